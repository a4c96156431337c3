import { createReadStream, type ReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { LabelSource, SourceRow } from './source-row.ts'

/** A text file as records, with progress in the bytes read so far. */
export async function openTextFile(path: string, readRows: (stream: ReadStream) => AsyncIterable<SourceRow>): Promise<LabelSource> {
  const { size } = await stat(path)
  let bytesRead = () => 0
  return {
    unit: 'bytes',
    total: size,
    done: () => bytesRead(),
    rows() {
      const stream = createReadStream(path)
      bytesRead = () => stream.bytesRead
      return readRows(stream)
    },
  }
}
