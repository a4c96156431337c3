import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { lanes, type Lane } from '../contracts/origin.ts'
import { claimEpoch, releaseEpoch } from '../platform/outbox/write/epoch-claim.ts'
import { openOutboxConsumer, type OutboxConsumer } from '../platform/outbox/read/outbox-consumer.ts'
import { createOutboxKeeper } from './outbox-keeper.ts'
import type { LogDamage } from '../platform/outbox/read/lane-reader.ts'
import { connectNats, type NatsLink } from '../platform/nats/connect-nats.ts'
import { parseConfirmation } from '../platform/nats/confirmation.ts'
import { confirmSubjectOf } from '../platform/nats/ensure-streams-nats.ts'
import type { NatsSettings } from '../platform/nats/nats-config.ts'
import { createForwardLane, type ForwardLane } from './forward-lane.ts'
import type { HandOverSettings } from './hand-over.ts'
import { createNatsPublisher, type NatsPublisher } from './publisher-nats.ts'
import { makeDirectory } from '../platform/service/durable-files.ts'
import { repeat } from '../platform/service/repeat.ts'

export type ForwarderOptions = {
  /** The directory of all outboxes, `<data>/outbox`. */
  dir: string
  settings: NatsSettings
  /** Milliseconds between two looks for outboxes whose writer is gone. Default 5,000. */
  adoptEveryMs?: number
  /** Whether messages carry their request's trace. */
  traced?: boolean
  onPublished?: (lane: Lane, outcome: 'first' | 'again' | 'refused') => void
  onConfirmed?: (lane: Lane, records: number) => void
  onDamage?: (damage: LogDamage) => void
  /** Told of faults that are waited out; the same one may come often. */
  onFault: (error: unknown) => void
}

/** The hand-over of every outbox in a directory to NATS JetStream. */
export type Forwarder = {
  lanes: ReadonlyMap<Lane, Pick<ForwardLane, 'state'>>
  /** Whether NATS is connected and every stream is there. */
  ready(): boolean
  /** Rejects on a fault that a restart may mend. */
  done: Promise<void>
  /** Publishes no more, waits for the acks under way, closes. Idempotent. */
  close(): Promise<void>
}

const retryPauseMs = 250
const publishWindow = 512
const republishAtMostMs = 15 * 60_000

/**
 * Starts handing over; NATS may come later. One process per directory.
 * @throws ServiceError `outbox_unavailable` when another forwarder has the directory.
 */
export async function startForwarder(options: ForwarderOptions): Promise<Forwarder> {
  const { dir, settings, onFault } = options
  const claim = join(dir, '.forwarder')
  await makeDirectory(claim)
  const claimed = await claimEpoch({ directory: claim, nowMs: Date.now(), floor: 1 })
  const stopping = new AbortController()
  const forwards = new Map<Lane, ForwardLane>()
  const opened: OpenLane[] = []
  const keeper = createOutboxKeeper({ dir, everyMs: options.adoptEveryMs ?? 5_000, onFault })
  let link: NatsLink | undefined
  let looking: Promise<void> | undefined

  const done = work()
  done.catch(() => undefined)

  async function work(): Promise<void> {
    link = await connectNats(settings, { name: 'hindsight-forwarder', onFault, signal: stopping.signal })
    const jsm = await jetstreamManager(link.nc, { checkAPI: false })
    const run = randomBytes(6).toString('hex')
    for (const lane of lanes) {
      const open = await openLane(lane, { options, link, jsm, run, signal: stopping.signal })
      opened.push(open)
      forwards.set(lane, open.forward)
    }
    link.nc.subscribe(confirmSubjectOf(settings), {
      callback: (error, message) => (error ? onFault(error) : takeConfirmation(message.string())),
    })
    link.onReconnect(() => void look())
    const everyMs = () => (ready() ? settings.NATS_ACK_WAIT_MS / 2 : retryPauseMs)
    const looking = repeat(look, { everyMs, signal: stopping.signal, onFault })
    await Promise.all([looking, ...[...forwards.values()].map((forward) => forward.run())])
  }

  function takeConfirmation(text: string): void {
    const ranges = parseConfirmation(text)
    for (const [lane, forward] of forwards) forward.confirm(ranges.filter((range) => range.lane === lane))
  }

  /** Looks at every stream, one look at a time: who asks during one waits for it. */
  function look(): Promise<void> {
    looking ??= lookOnce().finally(() => (looking = undefined))
    return looking
  }

  async function lookOnce(): Promise<void> {
    try {
      if (link?.connected()) for (const { publisher } of opened) await publisher.look()
    } catch (error) {
      onFault(error)
    }
  }

  const ready = () => opened.length === lanes.length && opened.every(({ publisher }) => publisher.ready())

  async function close(): Promise<void> {
    stopping.abort()
    await keeper.close()
    await done.catch(() => undefined)
    await Promise.all(opened.map(({ outbox }) => outbox.close()))
    await link?.close()
    await releaseEpoch(claim, claimed)
  }

  let closing: Promise<void> | undefined
  return { lanes: forwards, ready, done, close: () => (closing ??= close()) }
}

type OpenLane = { outbox: OutboxConsumer; publisher: NatsPublisher; forward: ForwardLane }

type LaneContext = { options: ForwarderOptions; link: NatsLink; jsm: JetStreamManager; run: string; signal: AbortSignal }

async function openLane(lane: Lane, { options, link, jsm, run, signal }: LaneContext): Promise<OpenLane> {
  const { dir, settings, traced = false, onDamage, onFault } = options
  const outbox = await openOutboxConsumer({ dir, name: 'forwarder', lanes: [lane], ...(onDamage && { onDamage }) })
  const publisher = createNatsPublisher({ link, jsm, settings, lane, traced })
  const forward = createForwardLane({
    outbox,
    publisher,
    settings: toHandOverSettings(settings),
    run,
    now: () => performance.now(),
    signal,
    onPublished: (outcome) => options.onPublished?.(lane, outcome),
    onConfirmed: (records) => options.onConfirmed?.(lane, records),
    onFault,
  })
  return { outbox, publisher, forward }
}

function toHandOverSettings(settings: NatsSettings): HandOverSettings {
  return {
    publishWindow,
    creditBytes: settings.NATS_STREAM_MAX_BYTES / 4,
    shareBytes: settings.NATS_STREAM_MAX_BYTES / 2,
    republishAfterMs: 2 * settings.NATS_ACK_WAIT_MS,
    republishAtMostMs,
  }
}
