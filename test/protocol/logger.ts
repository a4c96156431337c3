import type { Bronze } from './bronze.ts'
import type { Confirmation } from './forwarder.ts'
import { keyOf, type OutboxRecord } from './outbox.ts'
import { settings, type Protocol } from './protocol.ts'
import type { Consumer, StreamMessage } from './stream.ts'

/** A logger, one of several processes on the same durable consumer. All that it knows is the batch in its hands. */
export type Logger = {
  start(): boolean
  crash(): boolean
  /** Takes a batch, or does the next thing with the one that it has. */
  advance(): boolean
  /** Inserts a part of a batch, and the insert then fails. */
  failInsert(stored: number): boolean
}

export function createLogger(deps: {
  protocol: Protocol
  consumer: Consumer
  bronze: Bronze
  confirm: (confirmation: Confirmation) => void
  /** Told of each record whose message it acknowledges. */
  onAcked: (record: OutboxRecord) => void
}): Logger {
  const { protocol, consumer, bronze } = deps
  let alive = true
  let batch: StreamMessage[] = []
  let step = 0

  function insert(messages: readonly StreamMessage[]): void {
    for (const { publish } of messages) if (!publish.record.poison || protocol.poison === 'rejected') bronze.insert(publish.record)
  }

  const does = {
    insert: () => insert(batch),
    confirm() {
      const records = batch.map(({ publish }) => publish.record)
      const settled = protocol.loggerOrder[0] === 'insert' ? records.filter(({ origin }) => bronze.has(keyOf(origin))) : records
      if (settled.length > 0) deps.confirm({ records: settled, streamSeq: Math.max(...batch.map(({ seq }) => seq)) })
    },
    ack() {
      for (const { seq, publish } of batch) {
        consumer.ack(seq)
        deps.onAcked(publish.record)
      }
    },
  }

  return {
    start() {
      if (alive) return false
      alive = true
      return true
    },
    crash() {
      if (!alive) return false
      alive = false
      batch = []
      step = 0
      return true
    },
    advance() {
      if (!alive) return false
      if (batch.length === 0) {
        batch = consumer.fetch(settings.fetchAtMost)
        step = 0
        return batch.length > 0
      }
      const next = protocol.loggerOrder[step]
      if (next) does[next]()
      step += 1
      if (step >= protocol.loggerOrder.length) batch = []
      return true
    },
    failInsert(stored) {
      if (!alive || protocol.loggerOrder[step] !== 'insert' || batch.length === 0) return false
      insert(batch.slice(0, stored % (batch.length + 1)))
      return true
    },
  }
}
