import type { EventLogConsumer, LogRecord } from '../../platform/event-log/event-log.ts'

/** An event log in memory for tests: delivers once per instance, in order, and remembers what was confirmed. */
export function createMemoryLog(records: readonly LogRecord[] = []) {
  const waiting = [...records]
  const confirmed: LogRecord[] = []
  let wake = () => {}
  const consumer: EventLogConsumer = {
    async fetch({ maxRecords, waitMs, signal }) {
      if (waiting.length === 0 && waitMs > 0 && signal?.aborted !== true)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs)
          wake = () => (clearTimeout(timer), resolve())
          signal?.addEventListener('abort', wake, { once: true })
        })
      return waiting.splice(0, maxRecords)
    },
    async confirm(done) {
      confirmed.push(...done)
    },
    lag: async () => [],
    reachable: () => true,
    close: async () => {},
  }
  const append = (...more: LogRecord[]) => {
    waiting.push(...more)
    wake()
  }
  return { consumer, confirmed, append }
}
