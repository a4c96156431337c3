import type { JsMsg } from '@nats-io/jetstream'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { idempotencyKey } from '../../contracts/primitives.ts'
import type { SubjectPattern } from './subject-pattern.ts'

/** A message of labels, and the keys that it may be known by. */
export type LabelMessage = {
  subject: string
  /** Undefined where the subject names none. */
  tenant: string | undefined
  /** The key of its sender, else `ownKey`. */
  key: string
  /** The key that no other message has: its stream, place and time. A stream that was made anew counts from 1 again. */
  ownKey: string
  body: Uint8Array
  /** The subject that its sender wants the answer on. */
  replyTo: string | undefined
}

/** The header that names the subject for the answer: a stream does not keep the one that a publisher's request has. */
const replyHeader = 'Hindsight-Reply-To'
const idHeader = 'Nats-Msg-Id'

type Received = Pick<JsMsg, 'subject' | 'headers' | 'data' | 'timestampNanos'> & { info: Pick<JsMsg['info'], 'stream' | 'streamSequence'> }

export function toLabelMessage({ subject, headers, data, info, timestampNanos }: Received, pattern: SubjectPattern): LabelMessage {
  const ownKey = `seq:${info.stream}:${info.streamSequence}:${timestampNanos}`
  const sentId = headers?.get(idHeader) ?? ''
  return {
    subject,
    tenant: pattern.tenantOf(subject),
    key: sentId === '' ? ownKey : toKey(sentId),
    ownKey,
    body: data,
    replyTo: toReplySubject(headers?.get(replyHeader)),
  }
}

function toKey(sentId: string): string {
  const key = `id:${sentId}`
  return idempotencyKey.safeParse(key).success ? key : `id-sha256:${sha256Hex(sentId)}`
}

/** Only an inbox: whoever may send labels must not have the gateway speak on any subject that it may publish to. */
function toReplySubject(sent: string | undefined): string | undefined {
  return sent !== undefined && /^_INBOX(\.[^\s.*>]+)+$/.test(sent) && sent.length <= 256 ? sent : undefined
}
