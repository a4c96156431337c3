import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { keySql } from './bronze-parts.ts'
import {
  type Comparison,
  compareSeals,
  type SeqRange,
  type StoredSeal,
  type StoredStream,
  type Stream,
  type StreamHour,
  streamKey,
} from './compare.ts'
import { countFates, type FateCounts } from './count-fates.ts'
import { type AcknowledgedDouble, type DoublePayload, doublePayloads } from './double-payloads.ts'
import { readParts } from './read-parts.ts'

export type ReconcileReport = Comparison & {
  /** True when everything sealed is stored, rejected or past its retention, ended epochs are sealed to their end, and no id has two payloads that nobody acknowledged. */
  ok: boolean
  totals: { sealed: number; stored: number; expired: number; missing: number; open: number; rejected: number; double_payloads: number }
  /** What callers were told of predictions; no alarm. */
  fates: FateCounts
  /** Ids under which different payloads arrived, at most 100 per table; readers see the first. */
  double_payloads: DoublePayload[]
  /** Ids with several payloads that somebody has acknowledged: no alarm, and in no total. */
  acknowledged_payloads: AcknowledgedDouble[]
}

type Deps = Pick<Warehouse, 'query' | 'command'>

export type ReconcileOptions = {
  /** Reads all of bronze, whatever earlier runs have read. */
  full?: boolean
  /**
   * How long a seal must have been stored to count; until then the records that it vouches for are an open tail. One of several
   * loggers may store a seal while another still holds records before it. Default 0.
   */
  graceSeconds?: number
}

/** How long a part of bronze that the engine still lists under its name and checksum is taken to hold what it held when it was read. */
const trustedSeconds = 24 * 3600

/**
 * Proves that what the outboxes vouch for is in the warehouse, or names what is not. Reads of bronze what no run of the last
 * day has read, or with `full` all of it.
 */
export async function reconcile(warehouse: Deps, { full = false, graceSeconds = 0 }: ReconcileOptions = {}): Promise<ReconcileReport> {
  // Seals are read before records, since the records that a seal counts were stored before it.
  const seals = await storedSeals(warehouse, await secondsAgo(warehouse, graceSeconds))
  const keys = await readParts(warehouse, { since: await secondsAgo(warehouse, full ? 0 : trustedSeconds) })
  const streams = await storedStreams(warehouse, keys)
  // With a grace, only a seal that has stood for so long shows that an epoch is over.
  const comparison = compareSeals({ seals, streams, begun: graceSeconds === 0 ? streams : seals })
  const doubles = await doublePayloads(warehouse)
  const sealed = sum(comparison.seals.map(({ expected }) => expected))
  const missing = sum(comparison.gaps.map((gap) => gap.missing))
  return {
    ok: missing === 0 && doubles.count === 0 && comparison.unsealed.length === 0 && comparison.seals.every((seal) => seal.missing === 0),
    totals: {
      sealed,
      stored: sum(comparison.seals.map(({ stored }) => stored)),
      expired: sum(comparison.seals.map(({ expired }) => expired)),
      missing,
      open: sum(comparison.open_tails.map((tail) => tail.stored)),
      rejected: sum(streams.flatMap(({ rejected }) => rejected.map(({ first_seq, last_seq }) => last_seq - first_seq + 1))),
      double_payloads: doubles.count,
    },
    ...comparison,
    fates: await countFates(warehouse),
    double_payloads: doubles.named,
    acknowledged_payloads: doubles.acknowledged,
  }
}

async function secondsAgo(warehouse: Deps, seconds: number): Promise<string> {
  const [row] = await warehouse.query<{ at: string }>(`SELECT now64(3, 'UTC') - toIntervalSecond({seconds:UInt32}) AS at`, { seconds })
  return row!.at
}

/** The rows of hindsight.reconciled_parts that belong to the parts with these keys. */
const fromParts = `FROM hindsight.reconciled_parts WHERE ${keySql} IN {keys:Array(String)}`

type StreamRow = { writer_id: string; epoch: number; lane: Stream['lane']; first_seq: string; last_seq: string; stored: string }
type RangeRow = Omit<StreamRow, 'stored'>

async function storedStreams(warehouse: Deps, keys: readonly string[]): Promise<StoredStream[]> {
  const rows = await warehouse.query<StreamRow>(
    `SELECT writer_id, epoch, lane, min(first_seq) AS first_seq, max(last_seq) AS last_seq, groupBitmapMerge(seqs) AS stored
FROM (SELECT * ${fromParts}) GROUP BY writer_id, epoch, lane ORDER BY writer_id, epoch, lane`,
    { keys },
  )
  const whole = rows.map(({ stored, ...row }) => ({ ...toStream(row), range: toRange(row), stored: Number(stored) }))
  const broken = whole.filter(({ range, stored }) => range.first_seq !== 1 || range.last_seq !== stored)
  const ranges = await rangesOf(warehouse, { keys, streams: broken })
  // Read after the stored rows: what expires between the two reads was counted by the first.
  const expired: Ranges = broken.length > 0 ? await expiredStreams(warehouse) : new Map()
  const rejected = await rangesOf(warehouse, { keys: keys.filter((key) => key.startsWith('bronze.rejects/')), streams: whole })
  const hours = await hoursOf(warehouse, keys)
  return whole.map(({ range, stored: _, ...stream }) => ({
    ...stream,
    ranges: ranges.get(streamKey(stream)) ?? [range],
    expired: expired.get(streamKey(stream)) ?? [],
    rejected: rejected.get(streamKey(stream)) ?? [],
    hours: hours.get(streamKey(stream)) ?? [],
  }))
}

type Ranges = ReadonlyMap<string, readonly SeqRange[]>

/** The seqs of these streams in these parts, as ranges; they are sorted, since a small bitmap gives its numbers in no order. */
async function rangesOf(warehouse: Deps, { keys, streams }: { keys: readonly string[]; streams: readonly Stream[] }): Promise<Ranges> {
  if (keys.length === 0 || streams.length === 0) return new Map()
  const rows = await warehouse.query<Stream & { firsts: string[]; lasts: string[] }>(
    `SELECT writer_id, epoch, lane, arrayFilter((seq, step) -> step != 1, sorted, arrayDifference(sorted)) AS firsts,
  arrayFilter((seq, next) -> next != seq + 1, sorted, arrayPushBack(arrayPopFront(sorted), toUInt64(0))) AS lasts
FROM
(
  SELECT writer_id, epoch, lane, arraySort(bitmapToArray(groupBitmapMergeState(seqs))) AS sorted
  FROM (SELECT * ${fromParts} AND concat(toString(epoch), '/', lane, '/', writer_id) IN {streams:Array(String)})
  GROUP BY writer_id, epoch, lane
)`,
    { keys, streams: streams.map(streamKey) },
  )
  const toRanges = ({ firsts, lasts }: (typeof rows)[number]) =>
    firsts.map((first, index) => ({ first_seq: Number(first), last_seq: Number(lasts[index]) }))
  return new Map(rows.map((row) => [streamKey(toStream(row)), toRanges(row)]))
}

async function hoursOf(warehouse: Deps, keys: readonly string[]): Promise<ReadonlyMap<string, StreamHour[]>> {
  const rows = await warehouse.query<RangeRow & { hour_text: string }>(
    `SELECT writer_id, epoch, lane, formatDateTime(hour, '%Y-%m-%dT%H:00:00Z', 'UTC') AS hour_text, min(first_seq) AS first_seq, max(last_seq) AS last_seq
FROM (SELECT writer_id, epoch, lane, hour, first_seq, last_seq ${fromParts}) GROUP BY writer_id, epoch, lane, hour ORDER BY hour`,
    { keys },
  )
  return byStream(rows, (row) => ({ hour: row.hour_text, ...toRange(row) }))
}

/** Overlapping and adjoining runs become one, so that what comes back does not grow with the number of batches. */
async function expiredStreams(warehouse: Deps): Promise<Ranges> {
  return byStream(
    await warehouse.query<RangeRow>(`SELECT writer_id, epoch, lane, min(first_seq) AS first_seq, max(last_seq) AS last_seq
FROM
(
  SELECT *, sum(begins) OVER (PARTITION BY writer_id, epoch, lane ORDER BY first_seq, last_seq) AS island
  FROM
  (
    SELECT writer_id, epoch, lane, first_seq, last_seq, first_seq > 1 + max(last_seq) OVER
      (PARTITION BY writer_id, epoch, lane ORDER BY first_seq, last_seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS begins
    FROM bronze.delivered WHERE expires_at <= now64(3, 'UTC')
  )
)
GROUP BY writer_id, epoch, lane, island
ORDER BY writer_id, epoch, lane, first_seq`),
    toRange,
  )
}

function byStream<Row extends RangeRow, T>(rows: readonly Row[], toValue: (row: Row) => T): Map<string, T[]> {
  const streams = new Map<string, T[]>()
  for (const row of rows) {
    const key = streamKey(toStream(row))
    const values = streams.get(key)
    if (values) values.push(toValue(row))
    else streams.set(key, [toValue(row)])
  }
  return streams
}

async function storedSeals(warehouse: Deps, storedUntil: string): Promise<StoredSeal[]> {
  type Row = Omit<StreamRow, 'stored'> & { seq: string; records: string; sealed_at: string; reason: string }
  const rows = await warehouse.query<Row>(
    `SELECT writer_id, epoch, lane, seq, first_seq, last_seq, count AS records,
  formatDateTime(sealed_at, '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS sealed_at, reason
FROM bronze.seals FINAL WHERE stored_at <= {storedUntil:DateTime64(3, 'UTC')} ORDER BY writer_id, epoch, lane, seq`,
    { storedUntil },
  )
  return rows.map(({ seq, records, sealed_at, reason, ...row }) => ({
    ...toStream(row),
    ...toRange(row),
    seq: Number(seq),
    count: Number(records),
    sealed_at,
    reason,
  }))
}

function toStream({ writer_id, epoch, lane }: Stream): Stream {
  return { writer_id, epoch, lane }
}

function toRange({ first_seq, last_seq }: Omit<StreamRow, 'stored'>) {
  return { first_seq: Number(first_seq), last_seq: Number(last_seq) }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
