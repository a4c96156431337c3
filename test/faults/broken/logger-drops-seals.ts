import { startBrokenLogger } from './start-broken-logger.ts'

await startBrokenLogger({
  consumer: (consumer) => ({
    ...consumer,
    async fetch(options) {
      const records = await consumer.fetch(options)
      const seals = records.filter(({ kind, origin }) => kind === 'seal' && origin.lane === 'labels')
      if (seals.length > 0) await consumer.confirm(seals)
      return records.filter((record) => !seals.includes(record))
    },
  }),
})
