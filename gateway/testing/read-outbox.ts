import { join } from 'node:path'
import { type Lane, lanes } from '../../contracts/origin.ts'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { openOutboxConsumer } from '../../platform/outbox/read/outbox-consumer.ts'

/** Events and rejects in the outboxes, as a consumer reads them; with `confirm` it says that it has them. */
export async function readOutbox(dataDir: string, options: { lanes?: readonly Lane[]; confirm?: boolean } = {}): Promise<LogRecord[]> {
  const records = await readRecords(dataDir, options)
  return records.filter(({ kind }) => kind === 'event' || kind === 'reject')
}

/** Every record in the outboxes. */
export async function readRecords(dataDir: string, options: { lanes?: readonly Lane[]; confirm?: boolean } = {}): Promise<LogRecord[]> {
  const consumer = await openOutboxConsumer({ dir: join(dataDir, 'outbox'), name: 'logger', lanes: options.lanes ?? lanes })
  const records: LogRecord[] = []
  for (;;) {
    const more = await consumer.fetch({ maxRecords: 10_000, maxBytes: 64 * 1024 ** 2, waitMs: 0 })
    if (more.length === 0) break
    records.push(...more)
    if (options.confirm === true) await consumer.confirm(more)
  }
  await consumer.close()
  return records
}

export function bodyOf({ payload }: LogRecord): unknown {
  return JSON.parse(new TextDecoder().decode(payload))
}
