import { Presets, SingleBar } from 'cli-progress'
import type { ImportReport } from './import-labels.ts'
import type { FileSource } from '../../platform/files/file-source.ts'

export type Progress = { update(report: ImportReport): void; stop(): void }

/** A bar on standard error while someone watches; nothing otherwise, so that logs and pipes stay clean. */
export function createProgress(source: FileSource, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY || source.total === 0) return { update: () => {}, stop: () => {} }
  const format = 'labels {bar} {percentage}% | {accepted} accepted, {rejected} rejected'
  const bar = new SingleBar({ format, stream, hideCursor: true, fps: 5 }, Presets.shades_classic)
  bar.start(source.total, 0, { accepted: 0, rejected: 0 })
  return {
    update: ({ accepted, rejected }) => bar.update(source.done(), { accepted, rejected }),
    stop: () => bar.stop(),
  }
}
