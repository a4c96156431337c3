import type { OutboxRecord } from './outbox.ts'

/** One publish; `sendNo` counts those of one run of the forwarder. */
export type Publish = { messageId: string; record: OutboxRecord; run: number; sendNo: number }
export type PublishAck = { publish: Publish; seq: number; duplicate: boolean }
export type StreamMessage = { seq: number; publish: Publish }

/** JetStream as it is known to behave: de-duplicates by id within a window, discards old, may lose what it has not synced. */
export type Stream = {
  publish(publish: Publish): PublishAck
  at(seq: number): StreamMessage | undefined
  after(seq: number): StreamMessage[]
  firstSeq(): number
  lastSeq(): number
  sync(): boolean
  /** Forgets up to `lost` of the messages that are not synced; their sequence numbers will be used again. */
  losePower(lost: number): void
  /** Loses the store; the stream is made anew. */
  loseStore(): void
}

export function createStream(options: {
  maxMessages: number
  duplicateWindow: number
  now: () => number
  onDiscard: (message: StreamMessage) => void
}): Stream {
  const { maxMessages, duplicateWindow, now, onDiscard } = options
  let messages: StreamMessage[] = []
  let lastSeq = 0
  let syncedSeq = 0
  let seen = new Map<string, { seq: number; at: number }>()

  function cut(to: number): void {
    messages = messages.filter(({ seq }) => seq <= to)
    lastSeq = to
    syncedSeq = Math.min(syncedSeq, to)
    // The window is rebuilt from what is stored.
    const ids = new Set(messages.map(({ publish }) => publish.messageId))
    seen = new Map([...seen].filter(([id]) => ids.has(id)))
  }

  return {
    publish(publish) {
      const known = seen.get(publish.messageId)
      if (known && now() - known.at < duplicateWindow) return { publish, seq: known.seq, duplicate: true }
      lastSeq += 1
      messages.push({ seq: lastSeq, publish })
      seen.set(publish.messageId, { seq: lastSeq, at: now() })
      while (messages.length > maxMessages) onDiscard(messages.shift() as StreamMessage)
      return { publish, seq: lastSeq, duplicate: false }
    },
    at: (seq) => messages.find((message) => message.seq === seq),
    after: (seq) => messages.filter((message) => message.seq > seq),
    firstSeq: () => messages[0]?.seq ?? lastSeq + 1,
    lastSeq: () => lastSeq,
    sync() {
      const changed = syncedSeq !== lastSeq
      syncedSeq = lastSeq
      return changed
    },
    losePower: (lost) => cut(Math.max(syncedSeq, lastSeq - lost)),
    loseStore: () => cut(0),
  }
}

/** A durable consumer, shared by all who fetch from it. It acknowledges by sequence, whatever stands there by then. */
export type Consumer = {
  fetch(max: number): StreamMessage[]
  ack(seq: number): void
  /** Whether the message at `seq` stands in the stream and has never been delivered. */
  waits(seq: number): boolean
  isAhead(): boolean
  recreate(): void
  /** Sequences that were delivered and not acknowledged, of messages that are still there. */
  pending(): number
  /** Takes the consumer's state back as far as the stream's. */
  rollBack(): void
}

export function createConsumer(options: {
  stream: Stream
  ackWait: number
  now: () => number
  wants: (message: StreamMessage) => boolean
}): Consumer {
  const { stream, ackWait, now, wants } = options
  let delivered = 0
  let deadlines = new Map<number, number>()

  function redeliver(max: number): StreamMessage[] {
    const out: StreamMessage[] = []
    for (const [seq, deadline] of deadlines) {
      const message = stream.at(seq)
      if (message === undefined) deadlines.delete(seq)
      else if (deadline <= now() && out.length < max) out.push(message)
    }
    return out
  }

  function deliverNew(max: number): StreamMessage[] {
    const out: StreamMessage[] = []
    for (const message of stream.after(delivered)) {
      if (out.length === max) break
      delivered = message.seq
      if (wants(message)) out.push(message)
    }
    return out
  }

  return {
    fetch(max) {
      const again = redeliver(max)
      const messages = [...again, ...deliverNew(max - again.length)]
      for (const { seq } of messages) deadlines.set(seq, now() + ackWait)
      return messages
    },
    ack(seq) {
      deadlines.delete(seq)
    },
    waits: (seq) => seq > delivered && seq >= stream.firstSeq() && seq <= stream.lastSeq(),
    isAhead: () => delivered > stream.lastSeq(),
    recreate() {
      delivered = stream.firstSeq() - 1
      deadlines = new Map()
    },
    pending: () => [...deadlines.keys()].filter((seq) => stream.at(seq)).length,
    rollBack() {
      delivered = Math.min(delivered, stream.lastSeq())
      deadlines = new Map([...deadlines].filter(([seq]) => seq <= delivered))
    },
  }
}
