import type { EvaluationGroup } from '../../../labeler/evaluate/evaluation.ts'
import { type DemoFacts, failuresOf, metricOf } from './demo-facts.ts'

export type ReportContext = {
  /** As 2001-06-04. */
  day: string
  days: number
  gatewayUrl: string
}

/** The closing report of a demo, as lines for a person. */
export function toReport(facts: DemoFacts, context: ReportContext): string {
  const failures = failuresOf(facts)
  const verdict =
    failures.length === 0 ? ['everything is as it should be'] : ['NOT AS IT SHOULD BE', ...failures.map((line) => `  ${line}`)]
  return [
    '',
    `flights of ${context.day}${context.days === 1 ? '' : ` and the days after, ${context.days} in all`}`,
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
  const { replay, lost, stored, skew } = facts
  const skipped = replay.skipped === 0 ? '' : `, ${count(replay.skipped)} were stored by an earlier run`
  const broken = replay.interrupted.length === 0 ? '' : `, ${count(replay.interrupted.length)} connections broke`
  const landed = facts.featureEvents
  const rows: [string, string][] = [
    ['predictions', `${count(replay.answered.length)} of ${count(replay.attempted.length)} answered${broken}${skipped}`],
    [
      'stored',
      `${count(stored)} flights of ${count(replay.flights)}; ${lost.length === 0 ? 'every answer is stored' : `${count(lost.length)} answers are LOST`}`,
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
  const champion = evaluation.groups.find(({ route }) => route === 'champion')?.counts
  if (champion === undefined) return 'none'
  return `${count(champion.labeled)} of ${count(labelsDue)} joined, coverage ${percent(champion.labeled / champion.predictions)}`
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
  return toColumns([head, ...groups.map(toVersionRow)])
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
  if (metric?.value === undefined) return '-'
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
    `  curl -s ${gatewayUrl}/v1/models/flight-delay/predict -H 'content-type: application/json' -d '${request}'`,
    `  npx hindsight evaluate flight-delay`,
    `  npx hindsight sql "SELECT model_version, route, count(), avg(outcome) FROM gold.predictions GROUP BY ALL ORDER BY ALL"`,
    `  npx hindsight sql "SELECT code, message, raw FROM bronze.rejects LIMIT 5"`,
    `  npx hindsight skew flight-delay`,
    `  npx hindsight reconcile`,
    `  npx hindsight status`,
  ]
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
