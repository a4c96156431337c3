import type { Lane, Origin } from '../../contracts/origin.ts'
import type { TraceParent } from '../service/trace-context.ts'

/**
 * The kinds of records. `event`: a versioned event of the lane's contract. `reject`: a client's item that breaks its definition,
 * kept. `fate`: what the client was told of an earlier prediction. `seal`: vouches for the records before it.
 */
export const logRecordKinds = ['event', 'reject', 'seal', 'fate'] as const
export type LogRecordKind = (typeof logRecordKinds)[number]

/** A record as a consumer sees it. `payload` is UTF-8 JSON, byte for byte what was appended. */
export type LogRecord = {
  origin: Origin
  kind: LogRecordKind
  /** The event's own id: prediction_id, label_id or event_id. */
  id: string
  appendedAtMs: number
  /** The seq up to which the fate of every prediction of this writer's epoch is known, by this record or without one; in the lane of predictions only. */
  settledThrough?: number
  payload: Uint8Array
  /** The request's trace, as the broker's message names it. */
  trace?: TraceParent
}

export type AppendInput = {
  kind: Exclude<LogRecordKind, 'seal'>
  id: string
  payload: Uint8Array | string
  /** Whether somebody is yet to be told of a prediction: until `settle`, it holds back the `settledThrough` of later records. */
  awaitsFate?: boolean
}

/** What is known of a lane's fates. `through`: up to where every fate is known. `said`: up to where the last record has said so. `last`: its seq. */
export type LaneSettlement = { through: number; said: number; last: number }

/** When an append is durable: `disk` waits until it is on disk, `process` only for the page cache. */
export type Durability = 'disk' | 'process'

export type LaneStatus = {
  lane: Lane
  writerId: string
  epoch: number
  lastSeq: number
  durableSeq: number
  bytes: number
  segments: number
  /** How many durable records some consumer has yet to confirm; `oldestUnconfirmedAtMs` is when the oldest was appended. Both are of the last look. */
  unconfirmed: number
  oldestUnconfirmedAtMs?: number
}

/** The writing end, one per process. */
export type EventLogWriter = {
  readonly writerId: string
  readonly epoch: number
  /**
   * Appends the records together, in order, and resolves with their origins once all are durable. Concurrent
   * appends share one write to the disk (group commit). Rejects with `outbox_unavailable` when they cannot
   * be made durable; then none of them will ever be seen by a consumer of this epoch as acknowledged.
   */
  append(lane: Lane, records: readonly AppendInput[], options?: { durability?: Durability }): Promise<Origin[]>
  /**
   * Tells that the fate of a record is known, by a durable record of its own or because it was answered: later records then say
   * so by their `settledThrough`. False when the record's epoch has ended: then nothing but a record of its own can say it.
   */
  settle(origin: Origin): boolean
  settlement(lane: Lane): LaneSettlement
  /** Whether appends are possible: not after a failed write, until a new epoch has been opened. */
  writable(): boolean
  status(): LaneStatus[]
  /** Waits for what is under way, seals every lane, closes. Idempotent. */
  close(): Promise<void>
}

/**
 * A durable consumer of some lanes across every writer, known by its name: after a restart it goes on behind the
 * last record it confirmed. Records arrive at least once, in `seq` order within `(writer_id, epoch, lane)`; only one that
 * had to be delivered again comes late.
 */
export type EventLogConsumer = {
  /**
   * Resolves with up to `maxRecords` records as soon as there is at least one, or with none after `waitMs` or when
   * the signal aborts.
   */
  fetch(options: { maxRecords: number; maxBytes: number; waitMs: number; signal?: AbortSignal }): Promise<LogRecord[]>
  /**
   * Says durably that these records need never be delivered to this consumer again; when every consumer of the
   * lane has confirmed a segment, its space is freed. Resolves after the confirmation is on disk.
   */
  confirm(records: readonly LogRecord[]): Promise<void>
  /**
   * Records durable in the log and not yet confirmed by this consumer, per lane and, where the log knows them apart, per
   * writer. Throws `event_log_unavailable`.
   */
  lag(): Promise<ConsumerLag[]>
  /** Whether the log answers now. */
  reachable(): boolean
  close(): Promise<void>
}

/** How far a consumer is behind; `bytes` is missing where the log does not count them. */
export type ConsumerLag = { writerId?: string; lane: Lane; records: number; bytes?: number; oldestAppendedAtMs?: number }
