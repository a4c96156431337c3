import { jetstreamManager } from '@nats-io/jetstream'
import { ServiceError } from '../../contracts/errors.ts'
import type { Lane } from '../../contracts/origin.ts'
import { connectNats, type NatsLink } from './connect-nats.ts'
import { toConfirmations } from './confirmation.ts'
import { confirmSubjectOf } from './ensure-streams-nats.ts'
import { createHeldMessages } from './held-messages-nats.ts'
import type { NatsSettings } from './nats-config.ts'
import { createBell } from '../service/bell.ts'
import { failpoint } from '../service/failpoint.ts'
import { settledWithin } from '../service/within.ts'
import { createNatsLane, type NatsLane } from './consumer-lane-nats.ts'
import type { ConsumerLag, EventLogConsumer, LogRecord } from '../event-log/event-log.ts'

export type NatsConsumerOptions = {
  settings: NatsSettings
  /** The durable name; processes that open the same one share its records. */
  name: string
  lanes: readonly Lane[]
  /** Whether `confirm` tells the forwarder that these records are stored, so that their outbox may forget them. */
  confirmsStorage: boolean
  /** Told of each fault that is waited out, and of each message that is dropped because it has no origin. */
  onFault: (error: unknown) => void
}

/** Longer than a flush takes, and short against what a server that hangs would cost the next batch. */
const flushAtMostMs = 2_000

/**
 * A durable consumer of these lanes on NATS JetStream. Opens at once and connects by itself: until then, and while NATS is
 * away, a fetch finds nothing. A record may come more than once, and late when it had to be sent again.
 *
 * @example
 * ```ts no-run
 * import { z } from 'zod'
 * import { openNatsConsumer } from './event-log-nats.ts'
 * import { natsConfigFields } from './nats-config.ts'
 *
 * const settings = { ...z.object(natsConfigFields).parse({}), NATS_URL: 'nats://127.0.0.1:4222' }
 * const consumer = openNatsConsumer({ settings, name: 'archive', lanes: ['labels'], confirmsStorage: false, onFault: console.error })
 * const records = await consumer.fetch({ maxRecords: 1_000, maxBytes: 4 * 1024 ** 2, waitMs: 5_000 })
 * await consumer.confirm(records)
 * await consumer.close()
 * ```
 */
export function openNatsConsumer(options: NatsConsumerOptions): EventLogConsumer {
  const { settings, name, confirmsStorage, onFault } = options
  const stopping = new AbortController()
  const held = createHeldMessages({ lanes: options.lanes, onFault })
  const lanes = new Map<Lane, NatsLane>()
  const bell = createBell()
  let rotation = 0
  let link: NatsLink | undefined

  const opened = open().catch((error: unknown) => void (stopping.signal.aborted || onFault(error)))
  // A message on which nobody works for `ack_wait` is delivered to somebody else as well.
  const workTimer = setInterval(tellWorking, settings.NATS_ACK_WAIT_MS / 3).unref()

  async function open(): Promise<void> {
    const connected = await connectNats(settings, { name: `hindsight-${name}`, onFault, signal: stopping.signal })
    link = connected
    const jsm = await jetstreamManager(connected.nc, { checkAPI: false })
    for (const lane of options.lanes) {
      lanes.set(lane, createNatsLane({ jsm, settings, lane, name, onFault, onMessage: bell.ring }))
    }
    connected.onReconnect(() => {
      for (const lane of lanes.values()) lane.lookAgain()
    })
  }

  function tellWorking(): void {
    if (!link?.connected()) return
    held.tellWorking()
    for (const lane of lanes.values()) lane.tellWorking()
  }

  /** Starts at another lane each time, so that a full one does not keep the others waiting. */
  function collect(maxRecords: number, maxBytes: number): LogRecord[] {
    const out: LogRecord[] = []
    const sources = [...lanes.values()]
    let bytes = maxBytes
    rotation += 1
    for (let index = 0; index < sources.length; index += 1) {
      const lane = sources[(rotation + index) % sources.length] as NatsLane
      for (let next = lane.peek(); next !== undefined && out.length < maxRecords; next = lane.peek()) {
        if (out.length > 0 && next.data.length > bytes) return out
        lane.take()
        const record = held.take(next)
        if (record === undefined) continue
        out.push(record)
        bytes -= next.data.length
      }
    }
    return out
  }

  async function fetch({ maxRecords, maxBytes, waitMs, signal }: Parameters<EventLogConsumer['fetch']>[0]): Promise<LogRecord[]> {
    const until = performance.now() + waitMs
    for (;;) {
      const records = collect(maxRecords, maxBytes)
      const leftMs = until - performance.now()
      if (records.length > 0 || leftMs <= 0 || signal?.aborted || stopping.signal.aborted) return records
      await bell.wait(leftMs, signal)
    }
  }

  async function confirm(records: readonly LogRecord[]): Promise<void> {
    const { nc } = requireLink()
    if (confirmsStorage) for (const text of toConfirmations(records, nc.info?.max_payload)) nc.publish(confirmSubjectOf(settings), text)
    if (confirmsStorage) await flushed()
    if (confirmsStorage) failpoint('logger.before_ack')
    held.acknowledge(records)
    await flushed()
    if (confirmsStorage) failpoint('logger.after_ack')
  }

  /** Waits until acknowledgements have been sent. Those that a lost connection swallows are sent again when their records come again. */
  async function flushed(): Promise<void> {
    const { nc, connected } = requireLink()
    if (connected()) await settledWithin(flushAtMostMs, nc.flush())
  }

  function requireLink(): NatsLink {
    if (link === undefined) throw new ServiceError('event_log_unavailable', 'NATS has not answered yet.')
    return link
  }

  async function lag(): Promise<ConsumerLag[]> {
    if (!requireLink().connected()) throw new ServiceError('event_log_unavailable', 'NATS does not answer.')
    return Promise.all([...lanes].map(async ([lane, own]) => ({ lane, ...(await own.lag()) })))
  }

  return {
    fetch,
    confirm,
    lag,
    reachable: () => link?.connected() === true && options.lanes.every((lane) => lanes.get(lane)?.isThere()),
    async close() {
      if (stopping.signal.aborted) return
      stopping.abort()
      clearInterval(workTimer)
      bell.ring()
      await opened
      await Promise.all([...lanes.values()].map((lane) => lane.close()))
      held.handBack()
      await link?.close()
    },
  }
}
