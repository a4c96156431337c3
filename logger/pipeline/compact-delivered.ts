import type { Warehouse } from '../../platform/warehouse/warehouse.ts'

/** The age from which runs are joined, far longer than an insert may take: an older one is visible by now, or never will be. */
const settledSeconds = 3_600
/** The number of runs below which there is nothing to be won. */
const fewRuns = 1_000

/**
 * Joins the runs of `bronze.delivered` that touch or overlap and expire in the same hour: a row a batch becomes a row an hour.
 * What the runs cover stays the same at every moment, also when it is interrupted or another logger does it too: the joined
 * runs come first, and only older rows go. Returns how many rows went and came.
 */
export async function compactDelivered(warehouse: Pick<Warehouse, 'query' | 'command'>): Promise<{ removed: number; added: number }> {
  const [now] = await warehouse.query<{ until: string }>(`SELECT now64(3, 'UTC') - toIntervalSecond({settledSeconds:UInt32}) AS until`, {
    settledSeconds,
  })
  const until = now!.until
  const runs = await countOf(warehouse, `SELECT 1 FROM bronze.delivered WHERE stored_at < ${settled}`, until)
  if (runs < fewRuns) return { removed: 0, added: 0 }
  const joined = await countOf(warehouse, joinedRuns, until)
  if (runs < 2 * joined) return { removed: 0, added: 0 }
  await warehouse.command(`INSERT INTO bronze.delivered (writer_id, epoch, lane, first_seq, last_seq, expires_at) ${joinedRuns}`, { until })
  await warehouse.command(`DELETE FROM bronze.delivered WHERE stored_at < ${settled}`, { until })
  return { removed: runs, added: joined }
}

const settled = "{until:DateTime64(3, 'UTC')}"

const stream = 'PARTITION BY writer_id, epoch, lane, expires_at ORDER BY first_seq, last_seq'

const joinedRuns = `SELECT writer_id, epoch, lane, min(first_seq) AS first, max(last_seq) AS last, expires_at
FROM
(
  SELECT *, sum(begins) OVER (${stream}) AS island
  FROM
  (
    SELECT writer_id, epoch, lane, first_seq, last_seq, expires_at,
      first_seq > 1 + max(last_seq) OVER (${stream} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS begins
    FROM bronze.delivered WHERE stored_at < ${settled}
  )
)
GROUP BY writer_id, epoch, lane, expires_at, island`

async function countOf(warehouse: Pick<Warehouse, 'query'>, rows: string, until: string): Promise<number> {
  const [row] = await warehouse.query<{ n: string }>(`SELECT count() AS n FROM (${rows})`, { until })
  return Number(row!.n)
}
