import type { LogRecord } from '../platform/event-log/event-log.ts'

export type PublishAck = { streamSeq: number; duplicate: boolean }

/** Publishes the records of one lane into its stream. */
export type Publisher = {
  /** Resolves with the stream's ack; rejects when there was none in time, or a refusal. Never sends twice. */
  publish(record: LogRecord, options: { messageId: string; timeoutMs: number }): Promise<PublishAck>
  /** Whether the server is connected and the stream was there at the last look. */
  ready(): boolean
  /** Whether the logger's consumer had yet to deliver the message at this position, at the last look. */
  waitsInStream(streamSeq: number): boolean
}
