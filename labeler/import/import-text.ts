import type { ImportReport, RejectedLine } from './import-labels.ts'

const shown = 20

/** What an import did, and the first rejections by line. */
export function toImportText(file: string, report: ImportReport): string {
  const { accepted, rejected, read, rejections, notes } = report
  const head = `${file}: ${read} read, ${accepted} ${report.dry_run ? 'would be accepted' : 'accepted'}, ${rejected} rejected`
  const lines = rejections
    .toSorted((a, b) => (a.file ?? '').localeCompare(b.file ?? '') || a.line - b.line)
    .slice(0, shown)
    .map(toLine)
  const more =
    rejected > lines.length
      ? [`  ... and ${rejected - lines.length} more${rejections.length > shown ? ' (--json shows up to 1,000)' : ''}`]
      : []
  return [head, ...notes.map((note) => `  ${note}`), ...lines, ...more].join('\n')
}

function toLine({ line, file, code, path, message }: RejectedLine): string {
  return `  ${file === undefined ? '' : `${file} `}line ${line}: ${code}${path === undefined ? '' : ` at ${path}`}: ${message}`
}
