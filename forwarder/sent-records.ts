import type { Origin } from '../contracts/origin.ts'

/** One publish of a record. `sentAtByte` counts the bytes sent before it in this run. */
export type Sending = {
  origin: Origin
  bytes: number
  /** From 1 in each run; with the run it makes the message id, which is never used twice. */
  attempt: number
  sentAtByte: number
  /** Since when it is known to be in the stream, and where; missing until its ack counts. */
  countedAtMs?: number
  streamSeq?: number
  /** From when it is to be sent again. */
  dueAtMs?: number
}

/** What became of a sending: its message is in the stream, or it is to be sent again. */
type Settled = Required<Pick<Sending, 'countedAtMs' | 'streamSeq'>> | Required<Pick<Sending, 'dueAtMs'>>

/** The records of a lane that were sent in this run and are not confirmed, in the order of their last sending. */
export type SentRecords = {
  /** As the last; an earlier sending of the record is no longer current. */
  add(record: Pick<Sending, 'origin' | 'bytes' | 'attempt'>): Sending
  remove(origin: Origin): Sending | undefined
  /** False where the sending is not current, or was settled before. */
  settle(sending: Sending, settled: Settled): boolean
  isCurrent(sending: Sending): boolean
  all(): Iterable<Sending>
  size(): number
  /** Sendings that are not settled. */
  underWay(): number
  /** Bytes sent since the oldest was. */
  span(): number
  /** Whether so few bytes would still have been sent since the oldest that is relied on was, were this one sent again. */
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
    /** A confirmed record in between counts too: what lies behind the oldest unconfirmed one is what would push it out. */
    span() {
      const [oldest] = sent.values()
      return oldest === undefined ? 0 : sentBytes - oldest.sentAtByte
    },
    /** The record's own older copy may go; what else is relied on must stay. */
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
