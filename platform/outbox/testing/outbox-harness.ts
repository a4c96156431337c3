import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventLogHarness } from '../../event-log/event-log.contract.ts'
import { openOutboxWriter, type OutboxWriterOptions } from '../write/outbox-writer.ts'
import { withinHour } from './within-hour.ts'
import { openOutboxConsumer, type OutboxConsumerOptions } from '../read/outbox-consumer.ts'

/** An outbox directory for one test. */
export async function makeOutboxHarness(
  options: { writer?: Partial<OutboxWriterOptions>; consumer?: Partial<OutboxConsumerOptions> } = {},
): Promise<EventLogHarness & { dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'outbox-'))
  const closables: { close(): Promise<void> }[] = []
  const consumers = ['logger']
  const consumersOf = { predictions: consumers, labels: consumers, feature_events: ['logger', 'features'], batch_predictions: consumers }
  return {
    dir,
    async openWriter(writerId) {
      const writer = await openOutboxWriter({ dir, writerId, consumersOf, now: withinHour(), ...options.writer })
      closables.push(writer)
      return writer
    },
    async openConsumer(name, lanes) {
      const consumer = await openOutboxConsumer({ dir, name, lanes, ...options.consumer })
      closables.push(consumer)
      return consumer
    },
    async dispose() {
      await Promise.allSettled(closables.map((closable) => closable.close()))
      await rm(dir, { recursive: true, force: true })
    },
  }
}
