import type { SqlClock } from './clock.ts'

/** `clock`: leaves out what does not count then; undefined counts all. `where`: see `OutcomesSqlOptions`. */
export type QuestionsSqlOptions = { clock?: SqlClock | undefined; where?: string | undefined }

/**
 * A query with one row per question and the attempts at it. `targets` are what labels find, `members` the decisions as tuples of id,
 * anchor time and rank, and `chosen` (anchor time, id, rank) the attempt that counts: of the highest rank the latest. With rank 0
 * nobody was answered, and none counts. Attributes are those of a decision's first prediction: replays come later and repeat them.
 */
export function questionsSql({ clock, where = 'true' }: QuestionsSqlOptions = {}): string {
  return `
    SELECT
      tenant, any(about.1) AS model, any(about.2) AS request_id, any(about.3) AS \`index\`, any(about.4) AS entities, any(about.5) AS anchor,
      argMax((about.6, toString(decision_id), fate_rank), (fate_rank, about.8, about.9, about.10, about.11)) AS chosen,
      groupArray((about.6, prediction_ids)) AS targets,
      groupArray((decision_id, about.6, fate_rank)) AS members
    FROM
    (
      SELECT
        tenant, decision_id, groupArray(prediction_id) AS prediction_ids,
        ${fateRankSql(clock?.asOf)} AS fate_rank,
        argMin(
          (model, request_id, \`index\`, entities, anchor, anchor_time, question_sha256, ingested_at, toString(writer_id), epoch, seq),
          (ingested_at, toString(writer_id), epoch, seq)) AS about
      FROM silver.predictions
      WHERE (${where}) AND ${countedPredictionSql(clock)}
      GROUP BY tenant, decision_id
    )
    GROUP BY tenant, ifNull(toString(about.7), toString(decision_id))`
}

/** Whether a prediction counts at the time, over silver.predictions. */
export function countedPredictionSql(clock?: SqlClock): string {
  if (clock === undefined) return 'true'
  return clock.asOf === undefined ? `anchor_time <= ${clock.knownAsOf}` : `predicted_at <= ${clock.asOf}`
}

/**
 * 2: answered, 1: nobody knows, 0: unanswered; over the predictions of a decision. Records of fates count from when they were known;
 * a prediction without one that the order of the log settles counts as answered from the start.
 */
function fateRankSql(asOf: string | undefined): string {
  if (asOf === undefined) return `toUInt8(multiIf(any(fate) = 'answered', 2, any(fate) = 'unanswered', 0, 1))`
  const hasRecord = (condition: string) =>
    `(tenant, prediction_id) IN (SELECT tenant, prediction_id FROM bronze.prediction_fates WHERE ${condition})`
  return `toUInt8(ifNull(any(multiIf(
          isNull(fate), NULL,
          ${hasRecord(`fate IN ('answered', 'delivered') AND ingested_at <= ${asOf}`)}, 2,
          ${hasRecord(`fate = 'unanswered' AND ingested_at <= ${asOf}`)}, 0,
          fate = 'answered' AND NOT (${hasRecord('true')}), 2,
          1)), 1))`
}

/** Why an attempt does not count, by its tuple and that of the chosen one; null where it counts. */
export function leftOutSql(attempt: string, chosen: string): string {
  return `multiIf(${attempt}.3 = 0, 'unanswered', toString(${attempt}.1) != ${chosen}.2, 'repeated', NULL)`
}
