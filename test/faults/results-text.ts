import type { FaultResult, RunResult } from './result.ts'

const columns = [
  'fault',
  'set-up',
  'rounds',
  'attempted',
  'answered',
  'stored',
  'rejected',
  'lost',
  'doubled',
  'altered',
  'other',
  'p99 ms',
  'note',
]

/** The closing table, as text in columns. */
export function formatResults({ seed, results }: RunResult): string {
  const rows = [columns, ...results.map(toCells)]
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\nseed ${seed}\n`
}

/** The cells of one row, in the order of the columns. */
export function toCells(result: FaultResult): string[] {
  const { fault, set_up, rounds, attempted, answered, stored, rejected, lost, doubled, altered, other_violations, p99_ms } = result
  const counts = [rounds, attempted, answered, stored, rejected, lost, doubled, altered, other_violations]
  const note = result.skipped === undefined ? (result.broken ?? '') : `not possible here: ${result.skipped}`
  return [fault, set_up, ...counts.map(String), p99_ms === null ? '' : String(p99_ms), note]
}
