import { startBrokenLogger } from './start-broken-logger.ts'

await startBrokenLogger({
  consumer: (consumer) => ({
    ...consumer,
    async fetch(options) {
      const records = await consumer.fetch(options)
      if (records.length > 0) await consumer.confirm(records)
      return records
    },
    confirm: async () => undefined,
  }),
})
