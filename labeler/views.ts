import { quoteName, quoteString } from '../platform/schema/sql-text.ts'
import type { SqlRules } from './outcomes/sql-rules.ts'
import { labelReachSql, outcomeColumns, outcomesSql, standingColumns } from './outcomes/outcomes-sql.ts'

export type ViewColumn = { name: string; type: string; comment: string }

const now = "now64(3, 'UTC')"

/** `rules` are those of all times. */
export function outcomesAsOfViewSql(rules: SqlRules): string {
  const select = outcomesSql(rules, { clock: { asOf: "{as_of:DateTime64(3, 'UTC')}" } })
  const comment =
    'Outcomes as they were told at as_of, one row per decision and label: of what had been recorded by then, by the definitions of then. ' +
    'asof.open_lanes says whether that may still change.'
  return viewSql({ name: 'asof.outcomes', columns: outcomeColumns, select, comment })
}

/** `rules` are the newest. */
export function outcomesKnownAsOfViewSql(rules: SqlRules): string {
  const select = outcomesSql(rules, { clock: { knownAsOf: "{known_as_of:DateTime64(3, 'UTC')}" } })
  const comment =
    'What is known today about outcomes as they could be known at known_as_of, whenever it was recorded, by the newest definitions; ' +
    'one row per decision and label.'
  return viewSql({ name: 'asof.outcomes_known', columns: outcomeColumns, select, comment })
}

export function outcomesViewSql(rules: SqlRules): string {
  const comment = 'Outcomes as they are known now, one row per decision and label.'
  const select = outcomesSql(rules, { clock: { asOf: now } })
  return viewSql({ name: 'silver.outcomes', columns: outcomeColumns, select, comment })
}

export function labelReachViewSql(rules: SqlRules): string {
  const comment = 'How many questions each label statement reaches as it stands now, one row per statement of a defined label.'
  return viewSql({ name: 'silver.label_reach', columns: labelReachColumns, select: labelReachSql(rules, now), comment })
}

const labelReachColumns: readonly ViewColumn[] = [
  { name: 'tenant', type: 'LowCardinality(String)', comment: 'The customer the row belongs to.' },
  { name: 'label', type: 'LowCardinality(String)', comment: 'Name of the label definition.' },
  { name: 'label_id', type: 'String', comment: 'Id of the statement, as in silver.labels.' },
  { name: 'target', type: 'LowCardinality(String)', comment: 'What names its target: prediction, request, entities or none.' },
  { name: 'request_id', type: 'Nullable(String)', comment: 'Its target where that is a request.' },
  { name: 'known_at', type: "DateTime64(3, 'UTC')", comment: 'When the outcome could first be known.' },
  {
    name: 'reached',
    type: 'UInt64',
    comment:
      'Questions that the target reaches, over all models and anchors; attempts that repeat each other are one. 0 while it waits for its prediction; ' +
      'more than 1 by a request_id that stands for several questions, or for every instance of a request.',
  },
  {
    name: 'counted',
    type: 'UInt64',
    comment: 'Of them, those it holds for: first, last or all of each model and anchor, as its definition says.',
  },
]

/** `predictionColumns` are those of silver.predictions, as the warehouse describes them. */
export function goldPredictionsViewSql(rules: SqlRules, predictionColumns: readonly ViewColumn[]): string {
  const select = `SELECT
  ${predictionColumns.map(({ name }) => `prediction.${quoteName(name)} AS ${quoteName(name)}`).join(',\n  ')},
  ${outcomeOfPrediction.map(({ name }) => `if(isNotNull(decision.outcome_label) AND decision.model = prediction.model, decision.${quoteName(name)}, NULL) AS ${quoteName(name)}`).join(',\n  ')},
  ${standingColumns.map(({ name }) => `decision.${name} AS ${name}`).join(',\n  ')},
  CAST(${reusedSql}, 'Bool') AS request_id_reused
FROM silver.predictions AS prediction
LEFT JOIN
(
  SELECT
    tenant, decision_id, model, nullIf(label, '') AS outcome_label, toNullable(outcome_state) AS outcome_state,
    outcome, outcome_text, outcome_known_at, toNullable(matures_at) AS outcome_matures_at, counts, left_out, attempts
  FROM (${outcomesSql(rules, { clock: { asOf: now }, primaryOnly: true, everyDecision: true })})
) AS decision USING (tenant, decision_id)`
  const comment =
    "Every prediction, one row each, with the outcome of its model's primary label as it is known now. Count those that count: WHERE counts."
  return viewSql({ name: 'gold.predictions', columns: [...predictionColumns, ...addedColumns], select, comment })
}

const nullWhereUndefined = 'null where the project does not define the model or its label'

const outcomeOfPrediction: readonly ViewColumn[] = [
  {
    name: 'outcome',
    type: 'Nullable(Float64)',
    comment: "The primary label's outcome: 0 or 1 for binary labels; null where there is none (outcome_state says why).",
  },
  { name: 'outcome_text', type: 'Nullable(String)', comment: "The primary label's outcome where it is a category; null otherwise." },
  {
    name: 'outcome_state',
    type: 'LowCardinality(Nullable(String))',
    comment: `pending, labeled, negative, expired, conflicted or retracted (silver.outcomes explains them); ${nullWhereUndefined}.`,
  },
  {
    name: 'outcome_known_at',
    type: "Nullable(DateTime64(3, 'UTC'))",
    comment: 'When the outcome could first be known; of a negative, when the decision became mature; null where there is none.',
  },
  { name: 'outcome_label', type: 'LowCardinality(Nullable(String))', comment: `Name of the model's primary label; ${nullWhereUndefined}.` },
  {
    name: 'outcome_matures_at',
    type: "Nullable(DateTime64(3, 'UTC'))",
    comment: `anchor_time plus the maturity of the label; ${nullWhereUndefined}.`,
  },
]

const addedColumns: readonly ViewColumn[] = [
  ...outcomeOfPrediction,
  ...standingColumns,
  {
    name: 'request_id_reused',
    type: 'Bool',
    comment: 'True where the request_id and index stand for several questions to the model: a label by them reaches each of those.',
  },
]

/** Ids are compared by hash, because those of all predictions would fill memory. */
const reusedSql = `(isNotNull(prediction.question_sha256) AND sipHash128(prediction.tenant, prediction.model, prediction.request_id, prediction.\`index\`) IN
  (
    SELECT sipHash128(tenant, model, request_id, \`index\`) AS hash
    FROM bronze.prediction_events
    WHERE isNotNull(question_sha256)
    GROUP BY hash
    HAVING min(question_sha256) != max(question_sha256)
  ))`

export function viewSql(view: { name: string; columns: readonly ViewColumn[]; select: string; comment: string }): string {
  const declared = view.columns.map(({ name, type, comment }) => `  ${quoteName(name)} ${type} COMMENT ${quoteString(comment)}`)
  return `CREATE OR REPLACE VIEW ${view.name}\n(\n${declared.join(',\n')}\n)\nAS ${view.select}\nCOMMENT ${quoteString(view.comment)}`
}
