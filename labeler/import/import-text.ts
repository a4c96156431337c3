import type { ImportReport, RejectedLine } from './import-labels.ts'

const shown = 20
const upTo = '--json shows up to 1,000'

/** What an import did, what was passed over, and the first rejections and warnings by line. */
export function toImportText(file: string, report: ImportReport): string {
  const { accepted, rejected, read, rejections, warned, warnings, notes, resumed_after: resumed, rejects_file: rejectsFile } = report
  const counts = [`${read} read`, `${accepted} ${report.dry_run ? 'would be accepted' : 'accepted'}`, `${rejected} rejected`]
  const head = `${file}: ${[...counts, ...(warned > 0 ? [`${warned} with a warning`] : [])].join(', ')}`
  return [
    head,
    ...(resumed === undefined ? [] : [`  went on after the ${resumed} records that an earlier run had dealt with`]),
    ...notes.map((note) => `  ${note}`),
    ...toLines(rejections, { total: rejected, kind: '', all: rejectsFile === undefined ? upTo : `all are in ${rejectsFile}` }),
    ...toLines(warnings, { total: warned, kind: 'warning ', all: upTo }),
  ].join('\n')
}

function toLines(kept: readonly RejectedLine[], { total, kind, all }: { total: number; kind: string; all: string }): string[] {
  const lines = kept
    .toSorted((a, b) => (a.file ?? '').localeCompare(b.file ?? '') || a.line - b.line)
    .slice(0, shown)
    .map((line) => toLine(line, kind))
  const more = total - lines.length
  return more > 0 ? [...lines, `  ... and ${more} more (${all})`] : lines
}

function toLine({ line, file, code, path, message }: RejectedLine, kind: string): string {
  return `  ${file === undefined ? '' : `${file} `}line ${line}: ${kind}${code}${path === undefined ? '' : ` at ${path}`}: ${message}`
}
