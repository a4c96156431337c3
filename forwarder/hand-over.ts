import type { ConfirmedRange } from '../contracts/confirmation.ts'
import type { Origin } from '../contracts/origin.ts'
import { createSentRecords, keyOf, type Sending } from './sent-records.ts'

export type HandOverSettings = {
  /** The most publishes whose acks are awaited at once. */
  publishWindow: number
  /** The most bytes sent since the oldest unconfirmed record was, for a new record to be sent. */
  creditBytes: number
  /** The most bytes sent since the oldest record that is relied on was, for a record to be sent again. */
  shareBytes: number
  /** A record that is in the stream and unconfirmed for this long is sent again; twice as long after each time. */
  republishAfterMs: number
  /** The longest that doubling makes this time. */
  republishAtMostMs: number
}

/** What one lane's forwarder knows: the records that it has sent in this run and that no logger has confirmed. */
export type HandOver = {
  /** How many new records may be sent now, and how many bytes of them; none without credit. */
  room(): { records: number; bytes: number }
  send(origin: Origin, bytes: number): Sending
  /** Takes the ack of a sending: its message is at `streamSeq`. */
  count(sending: Sending, streamSeq: number): void
  /** Makes a sending due again after a pause, because it was refused, a duplicate, or not acked in time. */
  refuse(sending: Sending): void
  /** Forgets the confirmed records; returns the origins of those that were unconfirmed until now. */
  confirm(range: ConfirmedRange): Origin[]
  /** The sendings that are to be repeated now and have room; each is then given to `resend`, or to `forget`. */
  due(): Sending[]
  resend(sending: Sending): Sending
  /** Drops a record that cannot be read any more. */
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
  const sent = createSentRecords()
  const refused = new Map<string, Sending>()
  let scannedMs = now()

  function enter(record: Pick<Sending, 'origin' | 'bytes' | 'attempt'>): Sending {
    refused.delete(keyOf(record.origin))
    return sent.add(record)
  }

  function remove(origin: Origin): Sending | undefined {
    refused.delete(keyOf(origin))
    return sent.remove(origin)
  }

  function intervalMs({ attempt }: Sending): number {
    return Math.min(settings.republishAfterMs * 2 ** (attempt - 1), Math.max(settings.republishAfterMs, settings.republishAtMostMs))
  }

  /** Makes due what has waited for too long; looks through all that was sent, so not at each call. */
  function findOverdue(): void {
    if (now() - scannedMs < settings.republishAfterMs / 10) return
    scannedMs = now()
    for (const sending of sent.all()) {
      const { countedAtMs, streamSeq = 0, dueAtMs } = sending
      if (countedAtMs === undefined || dueAtMs !== undefined) continue
      if (now() - countedAtMs < intervalMs(sending) || waitsInStream(streamSeq)) continue
      sending.dueAtMs = now()
      refused.set(keyOf(sending.origin), sending)
    }
  }

  return {
    room() {
      const bytes = settings.creditBytes - sent.span()
      return bytes <= 0 ? { records: 0, bytes: 0 } : { records: Math.max(0, settings.publishWindow - sent.underWay()), bytes }
    },
    send: (origin, bytes) => enter({ origin, bytes, attempt: 1 }),
    count(sending, streamSeq) {
      sent.settle(sending, { countedAtMs: now(), streamSeq })
    },
    refuse(sending) {
      const dueAtMs = now() + Math.min(longestPauseMs, firstPauseMs * 2 ** (sending.attempt - 1))
      if (sent.settle(sending, { dueAtMs })) refused.set(keyOf(sending.origin), sending)
    },
    confirm({ writer_id, epoch, lane, first_seq, last_seq }) {
      const confirmed: Origin[] = []
      const take = (seq: number) => {
        const sending = remove({ writer_id, epoch, lane, seq })
        if (sending) confirmed.push(sending.origin)
      }
      // A range may be far larger than what this run has sent.
      if (last_seq - first_seq < sent.size()) for (let seq = first_seq; seq <= last_seq; seq += 1) take(seq)
      else {
        for (const { origin } of sent.all()) {
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
        if (sent.underWay() + out.length >= settings.publishWindow) break
        if ((sending.dueAtMs ?? 0) <= now() && sent.isWithin(settings.shareBytes, sending)) out.push(sending)
      }
      return out
    },
    resend: (sending) => enter({ ...sending, attempt: sending.attempt + 1 }),
    forget: (sending) => void (sent.isCurrent(sending) && remove(sending.origin)),
    state: () => ({ underWay: sent.underWay(), unconfirmed: sent.size(), spanBytes: sent.span() }),
  }
}
