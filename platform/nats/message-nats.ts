import { headers, type MsgHdrs } from '@nats-io/transport-node'
import { lane, origin } from '../../contracts/origin.ts'
import { parseTraceparent, toTraceparent } from '../service/trace-context.ts'
import { type LogRecord, type LogRecordKind, logRecordKinds } from '../event-log/event-log.ts'

const kinds: readonly string[] = logRecordKinds

const names = {
  writer: 'Hindsight-Writer',
  epoch: 'Hindsight-Epoch',
  lane: 'Hindsight-Lane',
  seq: 'Hindsight-Seq',
  kind: 'Hindsight-Kind',
  appendedAt: 'Hindsight-Appended-At',
  id: 'Hindsight-Id',
  settledThrough: 'Hindsight-Settled-Through',
  trace: 'traceparent',
} as const

/** The headers of a record's message. Ids are anybody's text, which a header would trim or end at, and so are percent-encoded. */
export function toHeaders({ origin: from, kind, id, appendedAtMs, settledThrough, trace }: Omit<LogRecord, 'payload'>): MsgHdrs {
  const out = headers()
  out.set(names.writer, encodeURIComponent(from.writer_id))
  out.set(names.epoch, String(from.epoch))
  out.set(names.lane, from.lane)
  out.set(names.seq, String(from.seq))
  out.set(names.kind, kind)
  out.set(names.appendedAt, String(appendedAtMs))
  out.set(names.id, encodeURIComponent(id))
  if (settledThrough !== undefined) out.set(names.settledThrough, String(settledThrough))
  if (trace !== undefined) out.set(names.trace, toTraceparent(trace))
  return out
}

/** The record that a message carries; undefined when its headers name no origin, and then nobody can ask for it again. */
export function toRecord(message: { headers: MsgHdrs | undefined; data: Uint8Array }): LogRecord | undefined {
  const read = (name: string) => message.headers?.get(name) ?? ''
  const from = origin.safeParse({
    writer_id: decodeId(read(names.writer)),
    epoch: Number(read(names.epoch)),
    lane: lane.safeParse(read(names.lane)).data,
    seq: Number(read(names.seq)),
  })
  const kind = read(names.kind)
  const id = decodeId(read(names.id))
  const appendedAtMs = Number(read(names.appendedAt))
  if (!from.success || !isKind(kind) || id === undefined || !Number.isFinite(appendedAtMs)) return undefined
  const settledThrough = parseSeq(read(names.settledThrough))
  const trace = parseTraceparent(read(names.trace))
  return {
    origin: from.data,
    kind,
    id,
    appendedAtMs,
    payload: message.data,
    ...(settledThrough !== undefined && { settledThrough }),
    ...(trace !== undefined && { trace }),
  }
}

function isKind(text: string): text is LogRecordKind {
  return kinds.includes(text)
}

function parseSeq(text: string): number | undefined {
  const seq = Number(text)
  return text !== '' && Number.isSafeInteger(seq) && seq >= 0 ? seq : undefined
}

function decodeId(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
