import { unansweredReason, type UnansweredReason } from '../../contracts/prediction-fate.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'

/** Predictions that a caller waited for, by what it was told. */
export type FateCounts = { answered: number; unanswered: Record<UnansweredReason, number>; unknown: number }

/**
 * Judges fates as silver.predictions does, but counts outbox records instead of ids: a redelivered one counts once without being
 * merged, so that this stays cheap enough for every minute.
 */
const fates = `
WITH settled AS
(
  SELECT cityHash64(writer_id, epoch) AS hash, max(settled_through) AS through FROM bronze.settled
  WHERE lane = 'predictions' GROUP BY writer_id, epoch ORDER BY hash
)
SELECT fate, reason, sum(records) AS n
FROM
(
  SELECT
    (tenant, prediction_id) IN (SELECT tenant, prediction_id FROM bronze.prediction_fates WHERE fate != 'unanswered') AS is_told,
    multiIf(${unansweredReason.options
      .map(
        (reason) =>
          `(tenant, prediction_id) IN (SELECT tenant, prediction_id FROM bronze.prediction_fates WHERE reason = '${reason}'), '${reason}'`,
      )
      .join(', ')}, '') AS why,
    seq <= transform(
      cityHash64(writer_id, epoch),
      (SELECT arrayPushFront(groupArray(hash), 0) FROM settled),
      (SELECT arrayPushFront(groupArray(through), 0) FROM settled),
      toUInt64(0)) AS is_settled,
    multiIf(is_told, 'answered', why != '', 'unanswered', is_settled, 'answered', 'unknown') AS fate,
    if(fate = 'unanswered', why, '') AS reason,
    groupBitmap(seq) AS records
  FROM bronze.prediction_events
  WHERE lane = 'predictions' AND route != 'shadow' AND trigger != 'replay'
  GROUP BY writer_id, epoch, is_told, why, is_settled
)
GROUP BY fate, reason`

/** Counts fates apart from the comparison, since they prove nothing about what is stored: a prediction that nobody was told of is stored like any other. */
export async function countFates(warehouse: Pick<Warehouse, 'query'>): Promise<FateCounts> {
  const rows = await warehouse.query<{ fate: string; reason: string; n: string }>(fates)
  const count = (fate: string, reason = '') => Number(rows.find((row) => row.fate === fate && row.reason === reason)?.n ?? 0)
  const unanswered = Object.fromEntries(unansweredReason.options.map((reason) => [reason, count('unanswered', reason)]))
  return { answered: count('answered'), unanswered: unanswered as FateCounts['unanswered'], unknown: count('unknown') }
}
