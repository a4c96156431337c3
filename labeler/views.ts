import { quoteName, quoteString } from '../platform/schema/sql-text.ts'
import type { OutcomeRules } from './outcomes/outcome-rules.ts'
import { outcomeColumns, outcomesSql } from './outcomes/outcomes-sql.ts'

export type ViewColumn = { name: string; type: string; comment: string }

const now = "now64(3, 'UTC')"

/** `asof.outcomes(as_of = '2001-06-05 00:00:00')`: what was known of every outcome at that time. */
export function outcomesAsOfViewSql(rules: OutcomeRules): string {
  const select = outcomesSql(rules, { asOf: "{as_of:DateTime64(3, 'UTC')}" })
  return viewSql({
    name: 'asof.outcomes',
    columns: outcomeColumns,
    select,
    comment: 'Outcomes as they were known at as_of, one row per decision and label.',
  })
}

export function outcomesViewSql(rules: OutcomeRules): string {
  const comment = 'Outcomes as they are known now, one row per decision and label.'
  return viewSql({ name: 'silver.outcomes', columns: outcomeColumns, select: outcomesSql(rules, { asOf: now }), comment })
}

/** `predictionColumns` are those of silver.predictions, as the warehouse describes them. */
export function goldPredictionsViewSql(rules: OutcomeRules, predictionColumns: readonly ViewColumn[]): string {
  const select = `SELECT
  ${predictionColumns.map(({ name }) => `prediction.${quoteName(name)} AS ${quoteName(name)}`).join(',\n  ')},
  ${addedColumns.map(({ name }) => `outcome.${quoteName(name)} AS ${quoteName(name)}`).join(',\n  ')}
FROM silver.predictions AS prediction
LEFT JOIN
(
  SELECT
    tenant, decision_id, model, toNullable(label) AS outcome_label, toNullable(outcome_state) AS outcome_state,
    outcome, outcome_text, outcome_known_at, toNullable(matures_at) AS outcome_matures_at
  FROM (${outcomesSql(rules, { asOf: now, primaryOnly: true })})
) AS outcome USING (tenant, decision_id, model)`
  const comment = "Every prediction, one row each, with the outcome of its model's primary label as it is known now."
  return viewSql({ name: 'gold.predictions', columns: [...predictionColumns, ...addedColumns], select, comment })
}

const nullWhereUndefined = 'null where the project no longer defines the model or its label'

const addedColumns: readonly ViewColumn[] = [
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

export function viewSql(view: { name: string; columns: readonly ViewColumn[]; select: string; comment: string }): string {
  const declared = view.columns.map(({ name, type, comment }) => `  ${quoteName(name)} ${type} COMMENT ${quoteString(comment)}`)
  return `CREATE OR REPLACE VIEW ${view.name}\n(\n${declared.join(',\n')}\n)\nAS ${view.select}\nCOMMENT ${quoteString(view.comment)}`
}
