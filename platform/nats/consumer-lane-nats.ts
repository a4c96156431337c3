import { JetStreamError, type Consumer, type ConsumerMessages, type JetStreamManager, type JsMsg } from '@nats-io/jetstream'
import type { Lane } from '../../contracts/origin.ts'
import { ensureConsumer, ensureStream, streamOf } from './ensure-streams-nats.ts'
import { createMessageBuffer } from './message-buffer.ts'
import { toRecord } from './message-nats.ts'
import type { NatsSettings } from './nats-config.ts'
import { settledWithin } from '../service/within.ts'
import { pause } from '../service/pause.ts'

/** One lane's stream as one process consumes it: pulls ahead into a bounded buffer. */
export type NatsLane = {
  peek(): JsMsg | undefined
  take(): void
  /** Tells the server that the messages which wait here are being worked on. */
  tellWorking(): void
  /** Checks stream and consumer before the next pull, which begins at once. */
  lookAgain(): void
  /** Whether stream and consumer were there at the last look. */
  isThere(): boolean
  lag(): Promise<{ records: number; oldestAppendedAtMs?: number }>
  /** Hands back the messages that nobody took. */
  close(): Promise<void>
}

/** The bounds of one pull, and of what may wait here besides: seconds of traffic, and little memory. */
const bufferLimits = { messages: 2_000, bytes: 8 * 1024 ** 2 }
const retryPauseMs = 250
/** The length of a pull, the shortest that NATS allows. At a close it is left to its end: messages that come to a cut pull wait for `ack_wait`. */
const pullMs = 1_000

export function createNatsLane(options: {
  jsm: JetStreamManager
  settings: NatsSettings
  lane: Lane
  name: string
  onFault: (error: unknown) => void
  onMessage: () => void
}): NatsLane {
  const { jsm, settings, lane, name, onFault, onMessage } = options
  const stream = streamOf(settings, lane)
  const checkEveryMs = settings.NATS_ACK_WAIT_MS / 2
  const stopping = new AbortController()
  const buffer = createMessageBuffer<JsMsg>(bufferLimits)
  let pulling: ConsumerMessages | undefined
  let checked: { consumer: Consumer; atMs: number } | undefined
  let onRoom: () => void = () => undefined

  const work = pullAlways()

  async function pullAlways(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await pullOnce()
      } catch (error) {
        checked = undefined
        // 409: the consumer was removed or replaced under the pull. The next look makes it again.
        if (!(error instanceof JetStreamError && 'code' in error && error.code === 409)) onFault(error)
        await pause(retryPauseMs, stopping.signal)
      }
    }
  }

  async function pullOnce(): Promise<void> {
    const room = buffer.room()
    if (room === 0) return untilRoom()
    const consumer = await checkedConsumer()
    pulling = await consumer.fetch({ max_messages: room, expires: pullMs })
    for await (const message of pulling) {
      buffer.push(message)
      onMessage()
    }
  }

  async function checkedConsumer(): Promise<Consumer> {
    if (checked !== undefined && performance.now() - checked.atMs < checkEveryMs) return checked.consumer
    checked = undefined
    const { state } = await ensureStream({ jsm, settings }, { lane, update: false })
    await ensureConsumer({ jsm, settings }, { lane, name, lastSeq: state.last_seq })
    checked = { consumer: await jsm.jetstream().consumers.get(stream, name), atMs: performance.now() }
    return checked.consumer
  }

  function untilRoom(): Promise<void> {
    return new Promise((resolve) => {
      onRoom = resolve
    })
  }

  return {
    peek: buffer.peek,
    take() {
      buffer.take()
      onRoom()
    },
    tellWorking() {
      for (const message of buffer.waiting()) message.working()
    },
    lookAgain() {
      checked = undefined
      pulling?.stop()
    },
    isThere: () => checked !== undefined,
    async lag() {
      const info = await jsm.consumers.info(stream, name)
      const records = info.num_pending + info.num_ack_pending
      if (records === 0) return { records }
      const oldest = await jsm.streams.getMessage(stream, { seq: info.ack_floor.stream_seq + 1 })
      const record = oldest && toRecord({ headers: oldest.header, data: oldest.data })
      return { records, ...(record && { oldestAppendedAtMs: record.appendedAtMs }) }
    },
    async close() {
      stopping.abort()
      onRoom()
      await settledWithin(2 * pullMs, work)
      pulling?.stop()
      await work
      for (let message = buffer.peek(); message !== undefined; message = buffer.peek()) {
        message.nak()
        buffer.take()
      }
    },
  }
}
