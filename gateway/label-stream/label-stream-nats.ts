import {
  AckPolicy,
  DeliverPolicy,
  type Consumer,
  JetStreamError,
  type JetStreamManager,
  jetstreamManager,
  type JsMsg,
} from '@nats-io/jetstream'
import { headers, nanos } from '@nats-io/transport-node'
import { ServiceError } from '../../contracts/errors.ts'
import { connectNats, type NatsLink } from '../../platform/nats/connect-nats.ts'
import { ensureDurable, isMissing } from '../../platform/nats/ensure-streams-nats.ts'
import type { NatsSettings } from '../../platform/nats/nats-config.ts'
import { pause } from '../../platform/service/pause.ts'
import { repeat } from '../../platform/service/repeat.ts'
import { isRetryable, retry } from '../../platform/service/retry.ts'
import { settledWithin } from '../../platform/service/within.ts'
import type { LabelStreamLag, LabelStreamMetrics } from '../metrics/label-stream-metrics.ts'
import type { MessageAnswer, MessageAnswers } from './answer-message.ts'
import { toLabelMessage } from './label-message.ts'
import type { SubjectPattern } from './subject-pattern.ts'
import { createTurns } from './turns.ts'

export type LabelStreamOptions = {
  settings: NatsSettings
  stream: string
  pattern: SubjectPattern
  /** The durable name; gateways that have the same one share the messages. */
  consumer: string
  answers: MessageAnswers
  /** Makes the counters, which show the lag. */
  createMetrics(lag: () => LabelStreamLag): LabelStreamMetrics
  onFault: (error: unknown) => void
}

export type LabelStream = {
  status(): Record<string, unknown>
  /** Ends the pull, waits for the messages that are in work, and hands back the others. */
  close(): Promise<void>
}

/** The messages in work at a time: an append to the outbox is shared by all of them, and each may have the size of a request. */
const maxInWork = 128
/** Messages that the consumer may have out at a time, over all gateways: those that are given back count too. */
const maxAckPending = 1_000
/** The length of a pull, the shortest that NATS allows. At a close it is left to its end: messages that come to a cut pull wait for `ack_wait`. */
const pullMs = 1_000
const lookEveryMs = 5_000
const checkEveryMs = 10_000
const faultPauseMs = 1_000
/** The attempts at a message before it is given back, which keep it in its place: some seconds, in which a store may come back. */
const inPlace = { backOff: { firstMs: 250, mostMs: 2_000 }, attempts: 5 }
const comeAgainMs = { firstMs: 1_000, mostMs: 30_000 }
/** The deliveries after which a message is kept as a reject when it fails in a way that nobody foresaw: it would come for ever. */
const mostDeliveries = 10

/**
 * Consumes labels from a stream that others fill. Opens at once and connects by itself; while NATS or the stream is away, it waits. A
 * message is acknowledged once its answer and records are durable; what can never be taken is kept as a reject and terminated.
 */
export function openLabelStream(options: LabelStreamOptions): LabelStream {
  const { settings, stream, pattern, consumer: name, answers, onFault } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const turns = { stamp: createTurns(), append: createTurns() }
  const inWork = new Set<JsMsg>()
  let link: NatsLink | undefined
  let checked: { consumer: Consumer; atMs: number } | undefined
  let lag: LabelStreamLag
  let problem: string | undefined
  const metrics = options.createMetrics(() => lag)

  const running = run().catch(tell)
  // A message on which nobody works for `ack_wait` is delivered to somebody else as well.
  const workTimer = setInterval(tellWorking, settings.NATS_ACK_WAIT_MS / 3).unref()

  async function run(): Promise<void> {
    link = await connectNats(settings, { name: 'gateway-labels', onFault: tell, signal })
    link.onReconnect(() => (checked = undefined))
    const jsm = await jetstreamManager(link.nc, { checkAPI: false })
    const looking = repeat(() => look(jsm), { everyMs: lookEveryMs, signal, onFault: () => (lag = undefined) })
    while (!signal.aborted) await pullOnce(jsm).catch(waitOut)
    await looking
  }

  function tell(error: unknown): void {
    if (signal.aborted) return
    problem = error instanceof Error ? error.message : String(error)
    onFault(error)
  }

  async function waitOut(error: unknown): Promise<void> {
    checked = undefined
    // 409: the consumer was removed or replaced under the pull. The next look makes it again.
    if (!(error instanceof JetStreamError && 'code' in error && error.code === 409)) tell(missing(error))
    await pause(faultPauseMs, signal)
  }

  function missing(error: unknown): unknown {
    if (!isMissing(error)) return error
    return new ServiceError('event_log_unavailable', `NATS has no stream ${stream}, which HINDSIGHT_LABEL_STREAM names`, { cause: error })
  }

  async function pullOnce(jsm: JetStreamManager): Promise<void> {
    const consumer = await checkedConsumer(jsm)
    const working: Promise<void>[] = []
    const messages = await consumer.fetch({ max_messages: maxInWork, expires: pullMs })
    try {
      for await (const message of messages) working.push(settle(message))
    } finally {
      await Promise.all(working)
    }
  }

  async function checkedConsumer(jsm: JetStreamManager): Promise<Consumer> {
    if (checked !== undefined && performance.now() - checked.atMs < checkEveryMs) return checked.consumer
    checked = undefined
    const { state } = await jsm.streams.info(stream)
    const wanted = {
      durable_name: name,
      filter_subject: pattern.filter,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: nanos(settings.NATS_ACK_WAIT_MS),
      max_deliver: -1,
      max_ack_pending: maxAckPending,
    }
    await ensureDurable(jsm, { stream, wanted, lastSeq: state.last_seq })
    checked = { consumer: await jsm.jetstream().consumers.get(stream, name), atMs: performance.now() }
    problem = undefined
    return checked.consumer
  }

  /** Comes to exactly one end: acknowledged, terminated, or given back. */
  async function settle(message: JsMsg): Promise<void> {
    if (signal.aborted) return message.nak()
    if (message.redelivered) metrics.redelivered()
    inWork.add(message)
    const own = { stamp: turns.stamp(), append: turns.append() }
    try {
      const answered = await retry(() => answers.answer(toLabelMessage(message, pattern), own), {
        ...inPlace,
        isWorth: isWorthWaiting,
        signal,
      })
      finish(message, answered)
    } catch (error) {
      await giveBack(message, error)
    } finally {
      own.stamp.pass()
      own.append.pass()
      inWork.delete(message)
    }
  }

  function finish(message: JsMsg, answered: MessageAnswer): void {
    reply(message, answered)
    const isTaken = answered.status < 300
    metrics.message(answered.replayed ? 'replayed' : isTaken ? 'stored' : 'refused')
    if (isTaken) message.ack()
    else message.term()
  }

  async function giveBack(message: JsMsg, error: unknown): Promise<void> {
    const { deliveryCount } = message.info
    const isForeseen = isRetryable(error) && (error as ServiceError).code !== 'internal'
    if (!isForeseen) tell(error)
    if (!isForeseen && deliveryCount >= mostDeliveries) {
      const refused = await answers.giveUp(toLabelMessage(message, pattern)).catch(tell)
      if (refused !== undefined) return finish(message, refused)
    }
    metrics.message('retried')
    message.nak(Math.min(comeAgainMs.mostMs, comeAgainMs.firstMs * 2 ** Math.min(deliveryCount - 1, 10)))
  }

  function reply(message: JsMsg, { status, body, replayed }: MessageAnswer): void {
    const { replyTo } = toLabelMessage(message, pattern)
    if (replyTo === undefined || link?.nc.isClosed() !== false) return
    const about = headers()
    about.set('Hindsight-Status', String(status))
    if (replayed) about.set('Idempotency-Replayed', 'true')
    link.nc.publish(replyTo, body, { headers: about })
  }

  function tellWorking(): void {
    if (link?.connected() === true) for (const message of inWork) message.working()
  }

  async function look(jsm: JetStreamManager): Promise<void> {
    if (link?.connected() !== true) return void (lag = undefined)
    const { num_pending: waiting, num_ack_pending: unacknowledged } = await jsm.consumers.info(stream, name)
    lag = { waiting, unacknowledged }
  }

  return {
    status: () => ({
      stream,
      consumer: name,
      subject: pattern.filter,
      state: link?.connected() === true && checked !== undefined ? 'consuming' : 'waiting',
      ...(lag !== undefined && { lag }),
      ...(problem !== undefined && { problem }),
    }),
    async close() {
      if (signal.aborted) return
      stopping.abort()
      await settledWithin(closeWithinMs, running)
      clearInterval(workTimer)
      await link?.close()
      await running
    },
  }
}

/** Longer than a pull and the answers to its messages take. */
const closeWithinMs = 5_000

/** Another gateway that has the key may take long, and meanwhile others' messages can go on. */
function isWorthWaiting(error: unknown): boolean {
  return isRetryable(error) && !['idempotency_conflict', 'internal'].includes((error as ServiceError).code)
}
