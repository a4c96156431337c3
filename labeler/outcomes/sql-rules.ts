import type { LabelRule, OutcomeRules } from './outcome-rules.ts'

/** When a rule was in force, in milliseconds since the epoch: from, included, until, excluded. Without bounds always. */
export type InForce = { fromMs?: number; untilMs?: number }

/** The rules that generated SQL chooses from by time. */
export type SqlRules = {
  labels: readonly (LabelRule & InForce)[]
  /** The primary label of each model. */
  primaries: readonly ({ model: string; label: string } & InForce)[]
}

/** The same rules at every time. */
export function toSqlRules({ labels, primaryLabels }: OutcomeRules): SqlRules {
  return { labels, primaries: [...primaryLabels].map(([model, label]) => ({ model, label })) }
}

/** The bounds as two expressions. A time of before 1900 or after 2299 is one that no column holds. */
export function inForceSql({ fromMs, untilMs }: InForce): [string, string] {
  const at = (ms: number) => `fromUnixTimestamp64Milli(toInt64(${ms}), 'UTC')`
  return [at(fromMs ?? earliestMs), at(untilMs ?? latestMs)]
}

const earliestMs = Date.UTC(1900, 0, 1)
const latestMs = Date.UTC(2299, 11, 31)

/** `empty` gives the columns their types when there is no row. */
export function constantTable(columns: readonly string[], rows: readonly (readonly string[])[], empty: readonly string[]): string {
  const toSelect = (row: readonly string[]) => `SELECT ${row.map((value, index) => `${value} AS ${columns[index] ?? ''}`).join(', ')}`
  return rows.length === 0 ? `${toSelect(empty)} WHERE false` : rows.map(toSelect).join(' UNION ALL ')
}
