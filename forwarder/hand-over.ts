import type { ConfirmedRange } from '../contracts/confirmation.ts'
import type { Origin } from '../contracts/origin.ts'

export type HandOverSettings = {
  /** Publishes whose ack is awaited, at most. */
  publishWindow: number
  /** Bytes that may have been sent since the oldest unconfirmed record was, for a new record to be sent. */
  creditBytes: number
  /** Bytes that may have been sent since the oldest record that is relied on was, for a record to be sent again. */
  shareBytes: number
  /** A record that is in the stream and unconfirmed for this long is sent again; twice as long after each time. */
  republishAfterMs: number
  /** The longest that this doubling comes to. */
  republishAtMostMs: number
}

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

/** What one lane's forwarder knows: the records that it has sent in this run and that no logger has confirmed. */
export type HandOver = {
  /** How many new records may be sent now, and how many bytes of them; none without credit. */
  room(): { records: number; bytes: number }
  send(origin: Origin, bytes: number): Sending
  /** The ack of this sending counts: the message is at `streamSeq`. */
  count(sending: Sending, streamSeq: number): void
  /** Not acked in time, refused, or a duplicate: due again after a pause. */
  refuse(sending: Sending): void
  /** Forgets what is confirmed and says what of it was unconfirmed until now. */
  confirm(range: ConfirmedRange): Origin[]
  /** What is to be sent again now and has room; each is then given to `resend`, or to `forget`. */
  due(): Sending[]
  resend(sending: Sending): Sending
  /** The record cannot be read any more. */
  forget(sending: Sending): void
  state(): { underWay: number; unconfirmed: number; spanBytes: number }
}

const firstPauseMs = 250
const longestPauseMs = 5_000

/**
 * The forwarder of the model in `test/protocol/`: sent -> counted -> confirmed. `waitsInStream` says of a position that the
 * logger's consumer has yet to deliver it: that puts a republish off, and confirms nothing.
 */
export function createHandOver(deps: {
  settings: HandOverSettings
  now: () => number
  waitsInStream: (streamSeq: number) => boolean
}): HandOver {
  const { settings, now, waitsInStream } = deps
  // In the order of their last sending, so that the first is the oldest.
  const sent = new Map<string, Sending>()
  const refused = new Map<string, Sending>()
  let underWay = 0
  let sentBytes = 0
  let scannedMs = now()

  function enter({ origin, bytes, attempt }: Pick<Sending, 'origin' | 'bytes' | 'attempt'>): Sending {
    const sending = { origin, bytes, attempt, sentAtByte: sentBytes }
    const key = keyOf(origin)
    sent.delete(key)
    refused.delete(key)
    sent.set(key, sending)
    sentBytes += bytes
    underWay += 1
    return sending
  }

  const isCurrent = (sending: Sending) => sent.get(keyOf(sending.origin)) === sending
  const isUnderWay = ({ countedAtMs, dueAtMs }: Sending) => countedAtMs === undefined && dueAtMs === undefined

  function remove(key: string): Sending | undefined {
    const sending = sent.get(key)
    sent.delete(key)
    refused.delete(key)
    if (sending && isUnderWay(sending)) underWay -= 1
    return sending
  }

  /** A confirmed record in between counts too: what lies behind the oldest unconfirmed one is what would push it out. */
  function span(): number {
    const [oldest] = sent.values()
    return oldest === undefined ? 0 : sentBytes - oldest.sentAtByte
  }

  /** The record's own older copy may go; what else is relied on must stay. */
  function hasRoom(own: Sending): boolean {
    for (const sending of sent.values()) {
      if (sending !== own && sending.countedAtMs !== undefined) return sentBytes + own.bytes - sending.sentAtByte < settings.shareBytes
    }
    return true
  }

  function intervalMs({ attempt }: Sending): number {
    return Math.min(settings.republishAfterMs * 2 ** (attempt - 1), Math.max(settings.republishAfterMs, settings.republishAtMostMs))
  }

  /** Makes due what has waited for too long; looks through all that was sent, so not at each call. */
  function findOverdue(): void {
    if (now() - scannedMs < settings.republishAfterMs / 10) return
    scannedMs = now()
    for (const [key, sending] of sent) {
      const { countedAtMs, streamSeq = 0, dueAtMs } = sending
      if (countedAtMs === undefined || dueAtMs !== undefined) continue
      if (now() - countedAtMs < intervalMs(sending) || waitsInStream(streamSeq)) continue
      sending.dueAtMs = now()
      refused.set(key, sending)
    }
  }

  return {
    room() {
      const bytes = settings.creditBytes - span()
      return bytes <= 0 ? { records: 0, bytes: 0 } : { records: Math.max(0, settings.publishWindow - underWay), bytes }
    },
    send: (origin, bytes) => enter({ origin, bytes, attempt: 1 }),
    count(sending, streamSeq) {
      if (!isCurrent(sending) || !isUnderWay(sending)) return
      underWay -= 1
      sending.countedAtMs = now()
      sending.streamSeq = streamSeq
    },
    refuse(sending) {
      if (!isCurrent(sending) || !isUnderWay(sending)) return
      underWay -= 1
      sending.dueAtMs = now() + Math.min(longestPauseMs, firstPauseMs * 2 ** (sending.attempt - 1))
      refused.set(keyOf(sending.origin), sending)
    },
    confirm({ writer_id, epoch, lane, first_seq, last_seq }) {
      const confirmed: Origin[] = []
      const take = (seq: number) => {
        const sending = remove(keyOf({ writer_id, epoch, lane, seq }))
        if (sending) confirmed.push(sending.origin)
      }
      // A range may be far larger than what this run has sent.
      if (last_seq - first_seq < sent.size) for (let seq = first_seq; seq <= last_seq; seq += 1) take(seq)
      else {
        for (const { origin } of sent.values()) {
          if (origin.writer_id !== writer_id || origin.epoch !== epoch || origin.lane !== lane) continue
          if (origin.seq >= first_seq && origin.seq <= last_seq) take(origin.seq)
        }
      }
      return confirmed
    },
    due() {
      findOverdue()
      const out: Sending[] = []
      for (const sending of refused.values()) {
        if (underWay + out.length >= settings.publishWindow) break
        if ((sending.dueAtMs ?? 0) <= now() && hasRoom(sending)) out.push(sending)
      }
      return out
    },
    resend: (sending) => enter({ ...sending, attempt: sending.attempt + 1 }),
    forget: (sending) => void (isCurrent(sending) && remove(keyOf(sending.origin))),
    state: () => ({ underWay, unconfirmed: sent.size, spanBytes: span() }),
  }
}

function keyOf({ writer_id, epoch, lane, seq }: Origin): string {
  return `${seq}/${epoch}/${lane}/${writer_id}`
}
