import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { type Comparison, compareSeals, type SeqRange, type StoredSeal, type StoredStream, type Stream, streamKey } from './compare.ts'

export type DoublePayload = { table: string; tenant: string; id: string; payload_hashes: string[] }

export type ReconcileReport = Comparison & {
  /** True when everything sealed is stored, rejected or past its retention, and no id has two payloads. */
  ok: boolean
  totals: { sealed: number; stored: number; expired: number; missing: number; open: number; rejected: number; double_payloads: number }
  /** Ids under which different payloads arrived, at most 100 per table; readers see the first. */
  double_payloads: DoublePayload[]
}

/** Proves that what the outboxes vouch for is in the warehouse, or names what is not. Reads bronze only. */
export async function reconcile(warehouse: Pick<Warehouse, 'query'>): Promise<ReconcileReport> {
  const streams = await storedStreams(warehouse)
  const comparison = compareSeals(await storedSeals(warehouse), streams)
  const doubles = await doublePayloads(warehouse)
  const [rejects] = await warehouse.query<{ rejected: string }>(
    `SELECT uniqExact(writer_id, epoch, lane, seq) AS rejected FROM bronze.rejects`,
  )
  const sealed = sum(comparison.seals.map(({ expected }) => expected))
  const missing = sum(comparison.gaps.map((gap) => gap.missing))
  return {
    ok: missing === 0 && doubles.count === 0 && comparison.seals.every((seal) => seal.missing === 0),
    totals: {
      sealed,
      stored: sum(comparison.seals.map(({ stored }) => stored)),
      expired: sum(comparison.seals.map(({ expired }) => expired)),
      missing,
      open: sum(comparison.open_tails.map((tail) => tail.stored)),
      rejected: Number(rejects?.rejected ?? 0),
      double_payloads: doubles.count,
    },
    ...comparison,
    double_payloads: doubles.named,
  }
}

const keyed = [
  { table: 'bronze.prediction_events', key: 'tenant, prediction_id', id: 'toString(prediction_id)' },
  { table: 'bronze.label_events', key: 'tenant, label_id', id: 'label_id' },
  { table: 'bronze.feature_events', key: 'tenant, source, event_id', id: "concat(source, '/', event_id)" },
]

const everyOrigin = [...keyed.map(({ table }) => table), 'bronze.rejects', 'bronze.seals']
  .map((table) => `SELECT writer_id, epoch, lane, seq FROM ${table}`)
  .join(' UNION ALL ')

type StreamRow = { writer_id: string; epoch: number; lane: Stream['lane']; first_seq: string; last_seq: string; stored: string }

async function storedStreams(warehouse: Pick<Warehouse, 'query'>): Promise<StoredStream[]> {
  const rows =
    await warehouse.query<StreamRow>(`SELECT writer_id, epoch, lane, min(seq) AS first_seq, max(seq) AS last_seq, groupBitmap(seq) AS stored
FROM (${everyOrigin}) GROUP BY writer_id, epoch, lane ORDER BY writer_id, epoch, lane`)
  const whole = rows.map(({ stored, ...row }) => ({ ...toStream(row), range: toRange(row), stored: Number(stored) }))
  const hasHoles = whole.some(({ range, stored }) => range.first_seq !== 1 || range.last_seq !== stored)
  const broken: Ranges = hasHoles ? await brokenStreams(warehouse) : new Map()
  // After the stored rows: what goes between the two reads was still counted, and nothing is missed.
  const expired: Ranges = hasHoles ? await expiredStreams(warehouse) : new Map()
  return whole.map(({ range, stored: _, ...stream }) => ({
    ...stream,
    ranges: broken.get(streamKey(stream)) ?? [range],
    expired: expired.get(streamKey(stream)) ?? [],
  }))
}

type Ranges = ReadonlyMap<string, readonly SeqRange[]>
type RangeRow = Omit<StreamRow, 'stored'>

// Sorting every seq is for the streams that have holes; counting them, which is cheap, has said which.
async function brokenStreams(warehouse: Pick<Warehouse, 'query'>): Promise<Ranges> {
  return byStream(
    await warehouse.query<RangeRow>(`SELECT writer_id, epoch, lane, min(seq) AS first_seq, max(seq) AS last_seq
FROM
(
  SELECT writer_id, epoch, lane, seq, seq - row_number() OVER (PARTITION BY writer_id, epoch, lane ORDER BY seq) AS island
  FROM
  (
    SELECT DISTINCT writer_id, epoch, lane, seq FROM (${everyOrigin})
    WHERE (writer_id, epoch, lane) IN
    (
      SELECT writer_id, epoch, lane FROM (${everyOrigin})
      GROUP BY writer_id, epoch, lane HAVING groupBitmap(seq) != max(seq) - min(seq) + 1
    )
  )
)
GROUP BY writer_id, epoch, lane, island
ORDER BY writer_id, epoch, lane, first_seq`),
  )
}

// Overlapping and adjoining runs become one, so that what comes back does not grow with the number of batches.
async function expiredStreams(warehouse: Pick<Warehouse, 'query'>): Promise<Ranges> {
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
  )
}

function byStream(rows: readonly RangeRow[]): Ranges {
  const streams = new Map<string, SeqRange[]>()
  for (const row of rows) {
    const key = streamKey(toStream(row))
    const ranges = streams.get(key)
    if (ranges) ranges.push(toRange(row))
    else streams.set(key, [toRange(row)])
  }
  return streams
}

async function storedSeals(warehouse: Pick<Warehouse, 'query'>): Promise<StoredSeal[]> {
  type Row = Omit<StreamRow, 'stored'> & { seq: string; records: string; sealed_at: string; reason: string }
  const rows = await warehouse.query<Row>(`SELECT writer_id, epoch, lane, seq, first_seq, last_seq, count AS records,
  formatDateTime(sealed_at, '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS sealed_at, reason
FROM bronze.seals FINAL ORDER BY writer_id, epoch, lane, seq`)
  return rows.map(({ seq, records, sealed_at, reason, ...row }) => ({
    ...toStream(row),
    ...toRange(row),
    seq: Number(seq),
    count: Number(records),
    sealed_at,
    reason,
  }))
}

async function doublePayloads(warehouse: Pick<Warehouse, 'query'>): Promise<{ count: number; named: DoublePayload[] }> {
  const found = { count: 0, named: [] as DoublePayload[] }
  for (const { table, key, id } of keyed) {
    // By hashes first: over millions of ids that takes a twentieth of the time, and leaves few to compare exactly.
    const rows = await warehouse.query<Omit<DoublePayload, 'table'> & { total: string }>(`SELECT tenant, ${id} AS id,
  arraySort(groupUniqArray(toString(payload_hash))) AS payload_hashes, count() OVER () AS total
FROM ${table}
WHERE cityHash64(${key}) IN
(
  SELECT cityHash64(${key}) AS hash FROM ${table}
  GROUP BY hash HAVING min(cityHash64(payload_hash)) != max(cityHash64(payload_hash))
)
GROUP BY ${key} HAVING min(payload_hash) != max(payload_hash) ORDER BY tenant, id LIMIT 100`)
    found.count += Number(rows[0]?.total ?? 0)
    found.named.push(...rows.map(({ total: _, ...row }) => ({ table, ...row })))
  }
  return found
}

function toStream({ writer_id, epoch, lane }: Omit<StreamRow, 'stored'>): Stream {
  return { writer_id, epoch, lane }
}

function toRange({ first_seq, last_seq }: Omit<StreamRow, 'stored'>) {
  return { first_seq: Number(first_seq), last_seq: Number(last_seq) }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
