import type { EvaluationGroup } from '../../labeler/evaluate/evaluation.ts'
import { type DemoFacts, evaluatedOf, failuresOf, metricOf } from './demo-facts.ts'
import { model } from './replay-plan.ts'

export type ReportContext = {
  /** The local day of departure, as 2001-06-04. */
  day: string
  days: number
  /** How many hours of departures were replayed, from the first on. */
  hours?: number | undefined
  gatewayUrl: string
}

/** The closing report of a demo, as lines for a person. */
export function toReport(facts: DemoFacts, context: ReportContext): string {
  const failures = failuresOf(facts)
  const verdict =
    failures.length === 0 ? ['everything is as it should be'] : ['NOT AS IT SHOULD BE', ...failures.map((line) => `  ${line}`)]
  return [
    '',
    `flights of ${context.day}${context.days === 1 ? '' : ` and the days after, ${context.days} in all`}${context.hours === undefined ? '' : `, the first ${context.hours} hours`}`,
    ...factLines(facts),
    '',
    ...versionLines(facts),
    '',
    ...verdict,
    '',
    ...nextSteps(context),
  ].join('\n')
}

function factLines(facts: DemoFacts): string[] {
  const { replay, lost, stored, evaluation, skew } = facts
  const skipped = replay.skipped === 0 ? '' : `, ${count(replay.skipped)} were stored by an earlier run`
  const retries = replay.retries === 0 ? '' : `, ${count(replay.retries)} sent again under their key`
  const landed = facts.featureEvents
  const rows: [string, string][] = [
    ['flights', count(replay.flights)],
    ['predictions', `${count(replay.answered.length)} of ${count(replay.attempted.length)} answered${retries}${skipped}`],
    [
      'stored',
      `${count(stored.attempts)}: ${count(stored.counted)} count, ${count(stored.unanswered)} unanswered, ${count(stored.repeated)} repeated; ` +
        (lost.length === 0 ? 'every answer is stored' : `${count(lost.length)} answers are LOST`),
    ],
    [
      'evaluated',
      `${count(evaluatedOf(evaluation, 'answering').predictions)}, and ${count(evaluatedOf(evaluation, 'shadow').predictions)} shadows`,
    ],
    ['feature events', `${count(landed)} landings`],
    ['rejects', `${count(facts.rejects)} with an impossible delay`],
    ['labels', labelText(facts)],
    ['skew', `${count(skew.unexplained + skew.late)} differences in ${count(skew.compared)} window features recomputed in SQL`],
    ...latencyRows(facts),
  ]
  return rows.map(([name, text]) => `  ${name.padEnd(15)} ${text}`)
}

function labelText({ evaluation, labelsDue }: DemoFacts): string {
  const { labeled, predictions } = evaluatedOf(evaluation, 'answering')
  if (predictions === 0) return 'none'
  const without = predictions - labeled
  const unlabeled = without === 0 ? '' : `, ${count(without)} ${without === 1 ? 'flight has' : 'flights have'} none`
  return `${count(labeled)} of ${count(labelsDue)} joined${unlabeled}, coverage ${percent(labeled / predictions)}`
}

function latencyRows({ replay }: DemoFacts): [string, string][] {
  if (replay.latenciesMs.length === 0) return []
  const sorted = replay.latenciesMs.toSorted((a, b) => a - b)
  const at = (quantile: number) => `${quantileOf(sorted, quantile).toFixed(1)} ms`
  const rate = (replay.answered.length / replay.predictingMs) * 1000
  return [
    ['latency', `p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}`],
    ['rate', `${count(Math.round(rate))} predictions/s, ${(replay.elapsedMs / 1000).toFixed(1)} s in all`],
  ]
}

/** The smallest value that at least this share of the values does not exceed. */
export function quantileOf(sorted: readonly number[], quantile: number): number {
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? Number.NaN
}

function versionLines({ evaluation }: DemoFacts): string[] {
  const head = ['version', 'route', 'predictions', 'ROC AUC', 'log loss']
  const groups = evaluation.groups.toSorted((a, b) =>
    String(b.model_version).localeCompare(String(a.model_version), 'en', { numeric: true }),
  )
  const isUndefined = groups.some((group) => metricOf(group, 'roc_auc') !== undefined && metricOf(group, 'roc_auc')?.value === undefined)
  const why = isUndefined ? ['  ROC AUC cannot be computed without flights that were late and flights that were not'] : []
  return [...toColumns([head, ...groups.map(toVersionRow)]), ...why]
}

function toVersionRow(group: EvaluationGroup): string[] {
  return [
    String(group.model_version),
    String(group.route),
    count(group.counts.predictions),
    withInterval(group, 'roc_auc'),
    withInterval(group, 'log_loss'),
  ]
}

function withInterval(group: EvaluationGroup, name: string): string {
  const metric = metricOf(group, name)
  if (metric === undefined) return '-'
  if (metric.value === undefined) return 'undefined'
  const { value, lower, upper } = metric
  return lower === undefined || upper === undefined ? value.toFixed(4) : `${value.toFixed(4)} [${lower.toFixed(4)}, ${upper.toFixed(4)}]`
}

function toColumns(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd())
}

function nextSteps({ gatewayUrl, day }: ReportContext): string[] {
  const request = `{"entities":{"origin":"SFO","destination":"LAX"},"anchor_time":"${day}T18:00:00Z","features":{"distance":337}}`
  return [
    'try next',
    `  curl -s ${gatewayUrl}/v1/models/${model}/predict -H 'content-type: application/json' -d '${request}'`,
    `  npx hindsight evaluate ${model}`,
    `  npx hindsight sql "SELECT model_version, route, count(), avg(outcome) FROM gold.predictions GROUP BY ALL ORDER BY ALL"`,
    `  npx hindsight sql "SELECT code, message, raw FROM bronze.rejects LIMIT 5"`,
    `  npx hindsight skew ${model}`,
    `  npx hindsight reconcile`,
    `  npx hindsight status`,
  ]
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** A share as per cent, rounded down, so that 100 % is all. */
function percent(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toFixed(1)} %`
}
