import type { SkewReport } from './skew.ts'

/** The report for a terminal. */
export function toSkewText(report: SkewReport): string {
  const lines = [
    `Skew of ${report.model}, anchors from ${report.anchor_from} to ${report.anchor_to}: ${report.predictions} predictions, ${report.compared} values compared.`,
    '',
    ...table([
      ['feature', 'compared', 'differ (same events)', 'differ (all known)', 'defaulted', 'refused', 'other definition'],
      ...report.features.map(({ feature, compared, applied, known, skipped }) => [
        feature,
        ...[compared, applied.different, known.different, skipped.defaulted, skipped.refused, skipped.other_definition].map(String),
      ]),
    ]),
    '',
    report.unexplained === 0
      ? `Over the very events that the online store had, every value is what was served.`
      : `${report.unexplained} values differ over the very events that the online store had: a fault, or a store that lost some.`,
  ]
  if (report.late > 0) lines.push(`${report.late} values differ only from what was known by then but not yet applied: late data.`)
  for (const { feature, applied, known } of report.features) {
    const [example] = [...applied.examples, ...known.examples]
    if (example !== undefined)
      lines.push(
        `  ${feature}: prediction ${example.prediction_id} (version ${example.model_version}, ${example.entity_id}, ${example.anchor_time}) was served ${example.served}, recomputed ${example.recomputed}`,
      )
  }
  return lines.join('\n')
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '),
  )
}
