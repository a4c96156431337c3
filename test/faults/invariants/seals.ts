import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import { groupBy } from './group.ts'
import { unsealed, type Violation } from './violation.ts'

const tables = ['prediction_events', 'label_events', 'feature_events', 'prediction_fates', 'rejects', 'seals']
const origins = tables.map((table) => `SELECT writer_id, epoch, lane, seq FROM bronze.${table} WHERE epoch >= {epoch:UInt32}`)

type Key = { writer_id: string; epoch: number; lane: string }
type Stream = Key & { first: string; last: string; stored: string }
type Seal = Key & { seq: string; first_seq: string; last_seq: string; count: string; stored: string }

/**
 * Invariant 4, for epochs from `fromEpoch` on: no seq is missing, each seal counts what is stored, seals follow one another, and
 * an epoch that has ended ends with one. `closed` says that every epoch has.
 */
export async function checkSeals(
  warehouse: Pick<Warehouse, 'query'>,
  { fromEpoch, closed }: { fromEpoch: number; closed: boolean },
): Promise<Violation[]> {
  const streams = await readStreams(warehouse, fromEpoch)
  const seals = groupBy(await readSeals(warehouse, fromEpoch), nameOf)
  const newest = new Map<string, number>()
  for (const { writer_id, epoch } of streams) newest.set(writer_id, Math.max(epoch, newest.get(writer_id) ?? 0))
  return streams.flatMap((stream) => {
    const hasEnded = closed || stream.epoch < (newest.get(stream.writer_id) ?? 0)
    return checkStream(stream, { seals: seals.get(nameOf(stream)) ?? [], hasEnded })
  })
}

/** The oldest of the writers' newest epochs: those before it have ended. */
export async function oldestOpenEpoch(warehouse: Pick<Warehouse, 'query'>): Promise<number> {
  const [row] = await warehouse.query<{ epoch: number }>(
    `SELECT min(newest) AS epoch FROM (SELECT max(epoch) AS newest FROM bronze.seals GROUP BY writer_id)`,
  )
  return row?.epoch ?? 0
}

function checkStream(stream: Stream, { seals, hasEnded }: { seals: readonly Seal[]; hasEnded: boolean }): Violation[] {
  const place = nameOf(stream)
  const violations: Violation[] = []
  const [first, last, stored] = [Number(stream.first), Number(stream.last), Number(stream.stored)]
  if (first !== 1 || stored !== last) violations.push(unsealed(place, `${stored} of seq 1 to ${last} are stored`))
  let from = 1
  for (const seal of seals) {
    const [firstSealed, lastSealed, count] = [Number(seal.first_seq), Number(seal.last_seq), Number(seal.count)]
    if (firstSealed !== from) violations.push(unsealed(place, `the seal at ${seal.seq} begins at ${firstSealed}, not at ${from}`))
    if (count !== lastSealed - firstSealed + 1 || count !== Number(seal.stored))
      violations.push(unsealed(place, `the seal at ${seal.seq} counts ${count}, and ${seal.stored} are stored`))
    from = Number(seal.seq) + 1
  }
  if (hasEnded && from !== last + 1)
    violations.push(unsealed(place, `no seal vouches for seq ${from} to ${last} of an epoch that has ended`))
  return violations
}

function readStreams(warehouse: Pick<Warehouse, 'query'>, epoch: number): Promise<Stream[]> {
  return warehouse.query<Stream>(
    `SELECT writer_id, epoch, lane, min(seq) AS first, max(seq) AS last, uniqExact(seq) AS stored
FROM (${origins.join(' UNION ALL ')}) GROUP BY writer_id, epoch, lane ORDER BY writer_id, epoch, lane`,
    { epoch },
  )
}

function readSeals(warehouse: Pick<Warehouse, 'query'>, epoch: number): Promise<Seal[]> {
  return warehouse.query<Seal>(
    `SELECT s.writer_id AS writer_id, s.epoch AS epoch, s.lane AS lane, s.seq AS seq, any(s.first_seq) AS first_seq,
  any(s.last_seq) AS last_seq, any(s.count) AS count, uniqExactIf(o.seq, o.seq BETWEEN s.first_seq AND s.last_seq) AS stored
FROM bronze.seals AS s FINAL
LEFT JOIN (${origins.join(' UNION ALL ')}) AS o ON o.writer_id = s.writer_id AND o.epoch = s.epoch AND o.lane = s.lane
WHERE s.epoch >= {epoch:UInt32}
GROUP BY s.writer_id, s.epoch, s.lane, s.seq ORDER BY s.writer_id, s.epoch, s.lane, s.seq`,
    { epoch },
  )
}

function nameOf({ writer_id, epoch, lane }: Key): string {
  return `${writer_id}/${epoch}/${lane}`
}
