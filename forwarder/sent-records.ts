import type { Origin } from '../contracts/origin.ts'

/** One publish of a record. `sentAtByte` counts the bytes sent before it in this run. */
export type Sending = {
  origin: Origin
  bytes: number
  /** Counts the sendings of the record in this run, from 1; with the run it makes the message id, which is never used twice. */
  attempt: number
  sentAtByte: number
  /** The time from which the message is known to be in the stream, and its place there; missing until its ack counts. */
  countedAtMs?: number
  streamSeq?: number
  /** The time at which the record is to be sent again. */
  dueAtMs?: number
}

/** The outcome of a sending: its message is in the stream, or it is to be sent again. */
type Settled = Required<Pick<Sending, 'countedAtMs' | 'streamSeq'>> | Required<Pick<Sending, 'dueAtMs'>>

/** The records of a lane that were sent in this run and are not confirmed, in the order of their last sending. */
export type SentRecords = {
  /** Adds a sending, as the newest; an earlier one of the same record is no longer current. */
  add(record: Pick<Sending, 'origin' | 'bytes' | 'attempt'>): Sending
  remove(origin: Origin): Sending | undefined
  /** Settles a sending; false where it is not current, or was settled before. */
  settle(sending: Sending, settled: Settled): boolean
  isCurrent(sending: Sending): boolean
  all(): Iterable<Sending>
  size(): number
  /** How many sendings are not settled yet. */
  underWay(): number
  /** The bytes sent since the oldest unconfirmed record was. */
  span(): number
  /** Whether, were `own` sent again, less than `bytes` would have been sent since the oldest record that the run relies on. */
  isWithin(bytes: number, own: Sending): boolean
}

export function createSentRecords(): SentRecords {
  // A map gives its entries in the order in which they were set: the first is the oldest.
  const sent = new Map<string, Sending>()
  let underWay = 0
  let sentBytes = 0

  const isCurrent = (sending: Sending) => sent.get(keyOf(sending.origin)) === sending
  const isUnderWay = ({ countedAtMs, dueAtMs }: Sending) => countedAtMs === undefined && dueAtMs === undefined

  return {
    add({ origin, bytes, attempt }) {
      const sending = { origin, bytes, attempt, sentAtByte: sentBytes }
      const key = keyOf(origin)
      sent.delete(key)
      sent.set(key, sending)
      sentBytes += bytes
      underWay += 1
      return sending
    },
    remove(origin) {
      const key = keyOf(origin)
      const sending = sent.get(key)
      sent.delete(key)
      if (sending && isUnderWay(sending)) underWay -= 1
      return sending
    },
    settle(sending, settled) {
      if (!isCurrent(sending) || !isUnderWay(sending)) return false
      underWay -= 1
      Object.assign(sending, settled)
      return true
    },
    isCurrent,
    all: () => sent.values(),
    size: () => sent.size,
    underWay: () => underWay,
    /** Confirmed records in between count too: whatever was sent behind the oldest unconfirmed record can push it out of the stream. */
    span() {
      const [oldest] = sent.values()
      return oldest === undefined ? 0 : sentBytes - oldest.sentAtByte
    },
    /** The record's own older copy may be pushed out; the other records that the run relies on must stay. */
    isWithin(bytes, own) {
      for (const sending of sent.values()) {
        if (sending !== own && sending.countedAtMs !== undefined) return sentBytes + own.bytes - sending.sentAtByte < bytes
      }
      return true
    },
  }
}

export function keyOf({ writer_id, epoch, lane, seq }: Origin): string {
  return `${seq}/${epoch}/${lane}/${writer_id}`
}
