import { jetstream, type JetStreamManager } from '@nats-io/jetstream'
import type { Lane } from '../contracts/origin.ts'
import type { NatsLink } from '../platform/nats/connect-nats.ts'
import { ensureStream, isMissing, streamOf, subjectOf } from '../platform/nats/ensure-streams-nats.ts'
import { toHeaders } from '../platform/nats/message-nats.ts'
import { traceparentOf } from '../platform/service/trace-context.ts'
import type { NatsSettings } from '../platform/nats/nats-config.ts'
import type { Publisher } from './publisher.ts'

export type NatsPublisher = Publisher & {
  /** Checks the stream, makes it where it is missing, and sees how far the logger's consumer has come. */
  look(): Promise<void>
}

const headerBytesAtMost = 4_096

export function createNatsPublisher(options: {
  link: NatsLink
  jsm: JetStreamManager
  settings: NatsSettings
  lane: Lane
  traced?: boolean
}): NatsPublisher {
  const { link, jsm, settings, lane, traced = false } = options
  const js = jetstream(link.nc)
  const stream = streamOf(settings, lane)
  const subject = subjectOf(settings, lane)
  let seen: { firstSeq: number; lastSeq: number; deliveredSeq: number } | undefined

  /** Cuts a payload to the server's limit, where that is lower than an event may be: what is left does not parse, and so the logger stores it in `rejects`. */
  function fit(payload: Uint8Array): Uint8Array {
    const limit = (link.nc.info?.max_payload ?? Infinity) - headerBytesAtMost
    return payload.length > limit ? payload.subarray(0, limit) : payload
  }

  return {
    async publish(record, { messageId, timeoutMs }) {
      const traceparent = traced && lane === 'predictions' ? traceparentOf(record) : undefined
      const { seq, duplicate } = await js.publish(subject, fit(record.payload), {
        msgID: messageId,
        headers: toHeaders(traceparent === undefined ? record : { ...record, trace: traceparent }),
        expect: { streamName: stream },
        timeout: timeoutMs,
      })
      return { streamSeq: seq, duplicate }
    },
    ready: () => seen !== undefined && link.connected(),
    waitsInStream: (seq) => seen !== undefined && seq > seen.deliveredSeq && seq >= seen.firstSeq && seq <= seen.lastSeq,
    async look() {
      try {
        const { state } = await ensureStream({ jsm, settings }, { lane, update: true })
        const deliveredSeq = await jsm.consumers.info(stream, 'logger').then((info) => info.delivered.stream_seq, zeroIfMissing)
        seen = { firstSeq: state.first_seq, lastSeq: state.last_seq, deliveredSeq }
      } catch (error) {
        seen = undefined
        throw error
      }
    },
  }
}

/** 0 for a consumer that does not exist: where no logger has come yet, nothing has been delivered. */
function zeroIfMissing(error: unknown): number {
  if (isMissing(error)) return 0
  throw error
}
