import type { JsMsg } from '@nats-io/jetstream'
import type { Lane } from '../../contracts/origin.ts'
import type { LogRecord } from '../event-log/event-log.ts'
import { toRecord } from './message-nats.ts'

/** The messages of records that were delivered and are not confirmed. */
export type HeldMessages = {
  /** The message's record. A message without one, or of a lane that was not asked for, is acknowledged and passed over. */
  take(message: JsMsg): LogRecord | undefined
  /** Tells the server that the messages are worked on, so that they are not delivered to somebody else as well. */
  tellWorking(): void
  acknowledge(records: readonly LogRecord[]): void
  /** Hands the messages back, so that the next consumer has them at once and not after `ack_wait`. */
  handBack(): void
}

export function createHeldMessages({ lanes, onFault }: { lanes: readonly Lane[]; onFault: (error: unknown) => void }): HeldMessages {
  const messages = new Map<LogRecord, JsMsg>()
  return {
    take(message) {
      const record = toRecord(message)
      // Once sequences were used again, a redelivery may bring a message of any lane: the headers say whose it is.
      if (record !== undefined && lanes.includes(record.origin.lane)) {
        messages.set(record, message)
        return record
      }
      if (record === undefined) onFault(new Error(`message ${message.seq} of ${message.subject} has no origin and is dropped`))
      message.ack()
      return undefined
    },
    tellWorking() {
      for (const message of messages.values()) message.working()
    },
    acknowledge(records) {
      for (const record of records) {
        messages.get(record)?.ack()
        messages.delete(record)
      }
    },
    handBack() {
      for (const message of messages.values()) message.nak()
      messages.clear()
    },
  }
}
