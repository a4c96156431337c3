import { errorCodes, ServiceError } from '../../contracts/errors.ts'
import { limits } from '../../contracts/http.ts'
import type { LabelFields } from '../../contracts/label-event.ts'
import type { FileRow, FileSource } from '../../platform/files/file-source.ts'
import { findDefinition } from './find-definition.ts'
import type { GatewayLabels } from './gateway-labels.ts'
import { type LabelProblem, toLabel, type ToLabelOptions } from './to-label.ts'

/** A place in what is imported; `file` names a file of the folder, where a folder is imported. */
type RecordPlace = { line: number; file?: string }

export type RejectedLine = LabelProblem & RecordPlace

export type ImportReport = {
  dry_run: boolean
  read: number
  accepted: number
  rejected: number
  /** The first labels that were refused, by line within a batch; `rejects_file` has all of them. */
  rejections: RejectedLine[]
  /** The file that every refused label was written to, where any was. */
  rejects_file?: string
  /** How many of the records an earlier run, which was interrupted, had dealt with. */
  resumed_after?: number
  warned: number
  /** The first labels that were accepted and may not mean what was meant. */
  warnings: RejectedLine[]
  /** What the reader of the file passed over. */
  notes: readonly string[]
}

export type ImportOptions = {
  source: FileSource
  post: GatewayLabels['post']
  dryRun: boolean
  /** How records become labels. */
  toLabel: ToLabelOptions
  /** Keeps rejections, and how far the import came; nothing is kept without it. */
  journal?: ImportJournal
  /** Called as records have been dealt with. */
  onProgress?(report: ImportReport): void
}

/** What an import keeps on disk, so that it loses nothing when it is interrupted. */
export type ImportJournal = {
  /** The report of an earlier run on the same file, up to where it came. */
  resumed: ImportReport | undefined
  reject(line: RejectedLine): void
  /** Keeps the report and the rejections so far. Every record that was read has been dealt with. */
  settle(report: ImportReport): Promise<void>
  /** Keeps the rejections, and forgets how far the import came; gives the file of rejections, where there is any. */
  finish(): Promise<string | undefined>
}

/** How many rejections the report holds: a file of millions must not fill memory. */
const rejectionsKept = 1000
/** The bytes of labels in one body, with room for what surrounds them. */
const batchBytes = limits.bodyBytes - 1024

type Pending = { place: RecordPlace; fields: LabelFields; bytes: number }

/**
 * Sends every record of a source as a label, in order, in batches. A record that is refused leaves the others
 * accepted; an error that is no record's fault stops the import, and what was sent before stays. Importing again
 * doubles nothing, and with a journal goes on where it was. Throws `unknown_label` before anything is sent when the
 * default label is one.
 */
export async function importLabels(options: ImportOptions): Promise<ImportReport> {
  const { source, dryRun, journal, onProgress, toLabel: convert } = options
  if (convert.defaultLabel !== undefined) findDefinition(convert.defaultLabel, convert.definitions)
  const report = journal?.resumed ?? emptyReport(dryRun, source.notes)
  const reject = createReject(report, journal)
  const sender = createSender(options, { report, reject })
  const queue: Pending[] = []

  async function settle(): Promise<void> {
    while (queue.length > 0) {
      await sender.sendOne(queue)
      onProgress?.(report)
    }
    await journal?.settle(report)
    onProgress?.(report)
  }

  let position = 0
  const settledBefore = report.read
  for await (const row of source.rows()) {
    position += 1
    if (position <= settledBefore) continue
    report.read += 1
    const place = placeOf(row)
    const label = 'problem' in row ? row : toLabel(row.value, convert)
    if ('problem' in label) reject(place, label.problem)
    else queue.push({ place, fields: label, bytes: Buffer.byteLength(JSON.stringify(label)) + 1 })
    if ((position - settledBefore) % limits.items === 0) await settle()
  }
  await settle()
  const rejectsFile = await journal?.finish()
  return { ...report, ...(rejectsFile !== undefined && { rejects_file: rejectsFile }) }
}

function emptyReport(dryRun: boolean, notes: readonly string[]): ImportReport {
  return { dry_run: dryRun, read: 0, accepted: 0, rejected: 0, rejections: [], warned: 0, warnings: [], notes }
}

function placeOf({ line, file }: FileRow): RecordPlace {
  return { line, ...(file !== undefined && { file }) }
}

/**
 * The gateway refuses a body for one malformed item, and names the first. The batch then shrinks, and grows again
 * with what is accepted: a file of nothing but such items costs one small request each, not a large one.
 */
function createSender({ post, dryRun }: ImportOptions, { report, reject }: { report: ImportReport; reject: Reject }) {
  let size: number = limits.items
  return {
    async sendOne(queue: Pending[]): Promise<void> {
      const batch = queue.splice(0, fitting(queue, size))
      try {
        const answer = await post(
          batch.map(({ fields }) => fields),
          { dryRun },
        )
        report.accepted += answer.accepted
        for (const { index, ...problem } of answer.rejected) reject(batch[index]?.place, toProblem(problem))
        for (const { index, ...warning } of answer.warnings ?? []) warn(report, batch[index]?.place, toProblem(warning))
        size = Math.min(size * 2, limits.items)
      } catch (error) {
        const index = refusedIndex(error, batch)
        if (!(error instanceof ServiceError) || index === undefined) throw error
        const [refused] = batch.splice(index, 1)
        reject(refused?.place, toProblem({ code: error.code, message: error.message, path: withoutIndex(error.path) }))
        queue.unshift(...batch)
        size = Math.max(1, Math.floor(size / 2))
      }
    },
  }
}

/** How many labels from the front of the queue fit into one body; at least one. */
function fitting(queue: readonly Pending[], size: number): number {
  let bytes = 0
  let count = 0
  while (count < Math.min(size, queue.length) && (count === 0 || bytes + (queue[count]?.bytes ?? 0) <= batchBytes))
    bytes += queue[count++]?.bytes ?? 0
  return count
}

/** Which record an error is about: the one its path names, or the only one. Undefined when it is about none. */
function refusedIndex(error: unknown, batch: readonly Pending[]): number | undefined {
  if (!(error instanceof ServiceError) || ![400, 413].includes(errorCodes[error.code].status)) return undefined
  const named = /^labels\[(\d+)\]/.exec(error.path ?? '')?.[1]
  if (named !== undefined && Number(named) < batch.length) return Number(named)
  return batch.length === 1 ? 0 : undefined
}

function withoutIndex(path: string | undefined): string | undefined {
  return path?.replace(/^labels\[\d+\]\.?/, '')
}

function toProblem({ code, message, path }: { code: string; message: string; path?: string | undefined }): LabelProblem {
  return { code, message, ...(path !== undefined && path !== '' && { path }) }
}

function warn(report: ImportReport, place: RecordPlace = { line: 0 }, warning: LabelProblem): void {
  report.warned += 1
  if (report.warnings.length < rejectionsKept) report.warnings.push({ ...place, ...warning })
}

type Reject = (place: RecordPlace | undefined, problem: LabelProblem) => void

function createReject(report: ImportReport, journal: ImportJournal | undefined): Reject {
  return (place = { line: 0 }, problem) => {
    const line = { ...place, ...problem }
    report.rejected += 1
    if (report.rejections.length < rejectionsKept) report.rejections.push(line)
    journal?.reject(line)
  }
}
