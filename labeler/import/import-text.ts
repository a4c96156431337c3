import type { ImportReport, RejectedLine } from './import-labels.ts'

const shown = 20

/** What an import did, what was passed over, and the first rejections and warnings by line. */
export function toImportText(file: string, report: ImportReport): string {
  const { accepted, rejected, read, rejections, warned, warnings, notes } = report
  const counts = [`${read} read`, `${accepted} ${report.dry_run ? 'would be accepted' : 'accepted'}`, `${rejected} rejected`]
  const head = `${file}: ${[...counts, ...(warned > 0 ? [`${warned} with a warning`] : [])].join(', ')}`
  return [
    head,
    ...notes.map((note) => `  ${note}`),
    ...toLines(rejections, { total: rejected, kind: '' }),
    ...toLines(warnings, { total: warned, kind: 'warning ' }),
  ].join('\n')
}

function toLines(kept: readonly RejectedLine[], { total, kind }: { total: number; kind: string }): string[] {
  const lines = kept
    .toSorted((a, b) => (a.file ?? '').localeCompare(b.file ?? '') || a.line - b.line)
    .slice(0, shown)
    .map((line) => toLine(line, kind))
  const more = total - lines.length
  return more > 0 ? [...lines, `  ... and ${more} more${kept.length > shown ? ' (--json shows up to 1,000)' : ''}`] : lines
}

function toLine({ line, file, code, path, message }: RejectedLine, kind: string): string {
  return `  ${file === undefined ? '' : `${file} `}line ${line}: ${kind}${code}${path === undefined ? '' : ` at ${path}`}: ${message}`
}
