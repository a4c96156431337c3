import { keyOf, type Outbox, type OutboxLane, type OutboxRecord } from './outbox.ts'
import { settings, type Protocol } from './protocol.ts'
import type { Publish, PublishAck } from './stream.ts'

/** Origins that a logger has stored; `streamSeq` is what a confirmation by position would say. */
export type Confirmation = { records: readonly OutboxRecord[]; streamSeq: number }

/** A record that was sent in this run and is not confirmed. `countedAt` is missing until its ack counts. */
type SentRecord = {
  record: OutboxRecord
  attempt: number
  sendNo: number
  sentAt: number
  countedAt?: number
  refusedAt?: number
  seq: number
}

/** The one forwarder of a data directory. Only the cursors, `freed`, outlive its process. */
export type Forwarder = {
  start(): boolean
  crash(): boolean
  publishNext(): boolean
  republishNext(): boolean
  takeAck(ack: PublishAck): void
  takeConfirmation(confirmation: Confirmation): void
  /** Whether the message is the newest that this run has sent of a record that it believes to be in the stream. */
  reliesOn(publish: Publish): boolean
}

export type ForwarderDeps = {
  protocol: Protocol
  outboxes: readonly Outbox[]
  now: () => number
  send: (publish: Publish) => void
  /** Whether the logger's consumer has yet to deliver the message at this position. */
  waitsInStream: (seq: number) => boolean
  /** Told when an ack has been counted as a publish. */
  onCounted: (ack: PublishAck) => void
}

export function createForwarder(deps: ForwarderDeps): Forwarder {
  const { protocol, outboxes, now, send } = deps
  let alive = true
  let run = 1
  let lastSendNo = 0
  let entries = new Map<string, SentRecord>()
  let readTo = new Map<OutboxLane, number>()
  let confirmed = new Set<string>()

  function lanes(): OutboxLane[] {
    return outboxes
      .filter(({ state }) => protocol.adopt === 'every_outbox' || state === 'open')
      .flatMap(({ lanes: own }) => [...own.values()])
  }

  function sendAttempt(record: OutboxRecord, attempt: number): void {
    lastSendNo += 1
    entries.set(keyOf(record.origin), { record, attempt, sendNo: lastSendNo, sentAt: now(), seq: 0 })
    send({ messageId: messageId(record, attempt), record, run, sendNo: lastSendNo })
  }

  function messageId({ id, origin }: OutboxRecord, attempt: number): string {
    const name = protocol.messageIdOf === 'origin' ? keyOf(origin) : id
    if (protocol.attempts === 'none') return name
    return protocol.attempts === 'within_run' ? `${name} ${attempt}` : `${name} ${run}.${attempt}`
  }

  function hasCredit(): boolean {
    const underWay = [...entries.values()].filter(({ countedAt }) => countedAt === undefined).length
    if (underWay >= settings.publishWindow) return false
    if (protocol.credit === 'none') return true
    const oldest = Math.min(lastSendNo + 1, ...[...entries.values()].map(({ sendNo }) => sendNo))
    return (protocol.credit === 'span' ? lastSendNo + 1 - oldest : entries.size) < settings.credit
  }

  /** Whether one more message leaves in the stream what this run relies on; the record's own older copy may go. */
  function hasRoom(own?: SentRecord): boolean {
    const reliedOn = [...entries.values()].filter((entry) => entry !== own && entry.countedAt !== undefined)
    const oldest = Math.min(lastSendNo + 1, ...reliedOn.map(({ sendNo }) => sendNo))
    return protocol.credit === 'none' || protocol.republish === 'always' || lastSendNo + 1 - oldest < settings.streamShare
  }

  function isDue({ sentAt, countedAt, refusedAt, seq }: SentRecord): boolean {
    if (refusedAt !== undefined) return now() > refusedAt
    if (countedAt === undefined) return now() - sentAt >= settings.publishTimeout
    // Position may put a republish off, it never confirms: once the consumer is past it, the time counts again.
    return now() - countedAt >= settings.republishAfter && !deps.waitsInStream(seq)
  }

  function confirm(keys: readonly string[]): void {
    for (const key of keys) {
      entries.delete(key)
      confirmed.add(key)
    }
    for (const lane of lanes()) free(lane)
  }

  function free(lane: OutboxLane): void {
    const isConfirmed = ({ origin }: OutboxRecord) => confirmed.has(keyOf(origin))
    if (protocol.cursor === 'highest') lane.freed = Math.max(lane.freed, lane.records.findLastIndex(isConfirmed) + 1)
    for (let next = lane.records[lane.freed]; next && isConfirmed(next); next = lane.records[lane.freed]) lane.freed += 1
  }

  function counts({ seq, duplicate }: PublishAck, attempt: number): boolean {
    if (protocol.countAcks === 'duplicate_too') return seq > 0
    if (protocol.countAcks === 'seq_zero_too') return !duplicate || seq === 0
    // Where ids begin again with each run, its first attempt cannot tell a duplicate of its own from an earlier run's.
    const mayBeOwn = protocol.attempts === 'within_run' && attempt === 1
    return seq > 0 && (!duplicate || mayBeOwn)
  }

  function confirmedKeys({ records, streamSeq }: Confirmation): string[] {
    if (protocol.confirmBy === 'origin') return records.map(({ origin }) => keyOf(origin))
    const published = [...entries].filter(([, { countedAt }]) => countedAt !== undefined)
    if (protocol.confirmBy === 'stream_position') return published.filter(([, { seq }]) => seq <= streamSeq).map(([key]) => key)
    const places = new Set(records.map(({ origin }) => keyOf({ ...origin, epoch: 0 })))
    return [...entries].filter(([, { record }]) => places.has(keyOf({ ...record.origin, epoch: 0 }))).map(([key]) => key)
  }

  return {
    start() {
      if (alive) return false
      alive = true
      run += 1
      return true
    },
    crash() {
      if (!alive) return false
      alive = false
      lastSendNo = 0
      entries = new Map()
      readTo = new Map()
      confirmed = new Set()
      return true
    },
    publishNext() {
      if (!alive || !hasCredit()) return false
      for (const lane of lanes()) {
        const index = Math.max(readTo.get(lane) ?? 0, lane.freed)
        const record = lane.records[index]
        if (record === undefined || (protocol.readUpTo === 'durable' && index >= lane.durable)) continue
        readTo.set(lane, index + 1)
        // Confirmed already, by a copy that an earlier run has sent.
        if (!confirmed.has(keyOf(record.origin))) sendAttempt(record, 1)
        return true
      }
      return false
    },
    republishNext() {
      const due = alive ? [...entries.values()].find((entry) => isDue(entry) && hasRoom(entry)) : undefined
      if (due === undefined) return false
      sendAttempt(due.record, due.attempt + 1)
      return true
    },
    takeAck(ack) {
      const key = keyOf(ack.publish.record.origin)
      const entry = entries.get(key)
      if (!alive || ack.publish.run !== run || entry?.sendNo !== ack.publish.sendNo) return
      if (!counts(ack, entry.attempt)) {
        entry.refusedAt = now()
        return
      }
      Object.assign(entry, { countedAt: now(), seq: ack.seq })
      deps.onCounted(ack)
      if (protocol.freeOn === 'broker_ack') confirm([key])
    },
    takeConfirmation(confirmation) {
      if (alive) confirm(confirmedKeys(confirmation))
    },
    reliesOn({ record, run: sentIn, sendNo }) {
      const entry = entries.get(keyOf(record.origin))
      return alive && sentIn === run && entry?.sendNo === sendNo && entry.countedAt !== undefined
    },
  }
}
