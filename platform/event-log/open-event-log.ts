import { join } from 'node:path'
import type { Lane } from '../../contracts/origin.ts'
import { usesNats, type NatsConfig } from '../nats/nats-config.ts'
import type { EventLogConsumer } from './event-log.ts'
import { openOutboxConsumer } from '../outbox/read/outbox-consumer.ts'
import type { LogDamage } from '../outbox/read/lane-reader.ts'

export type EventLogUse = {
  /** The durable name of the consumer. */
  name: 'logger' | 'features'
  lanes: readonly Lane[]
  /** Told, where there is no broker, of records of an outbox that cannot be read. */
  onDamage?: (damage: LogDamage) => void
  /** Told of a broker's faults, which are waited out. */
  onFault: (error: unknown) => void
}

/**
 * The event log as this environment has it: NATS with NATS_URL, else the outboxes in the data directory.
 *
 * @example
 * ```ts
 * import { z } from 'zod'
 * import { natsConfigFields } from '../nats/nats-config.ts'
 * import { commonConfigFields, loadConfig } from '../service/common-config.ts'
 * import { openEventLogConsumer } from './open-event-log.ts'
 *
 * const schema = z.object({ HINDSIGHT_DATA_DIR: commonConfigFields.HINDSIGHT_DATA_DIR, ...natsConfigFields })
 * const config = loadConfig(schema, { HINDSIGHT_DATA_DIR: 'data' })
 * const consumer = await openEventLogConsumer(config, { name: 'features', lanes: ['feature_events'], onFault: console.error })
 * consumer.reachable() // => true
 * await consumer.close()
 * ```
 */
export async function openEventLogConsumer(
  config: NatsConfig & { HINDSIGHT_DATA_DIR: string },
  { name, lanes, onDamage, onFault }: EventLogUse,
): Promise<EventLogConsumer> {
  if (!usesNats(config)) {
    return openOutboxConsumer({ dir: join(config.HINDSIGHT_DATA_DIR, 'outbox'), name, lanes, ...(onDamage && { onDamage }) })
  }
  const { openNatsConsumer } = await import('../nats/event-log-nats.ts')
  // What the logger has confirmed is stored: the one fact on which an outbox forgets.
  return openNatsConsumer({ settings: config, name, lanes, confirmsStorage: name === 'logger', onFault })
}
