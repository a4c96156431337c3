import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { isRecord, type LabelSource, type SourceRow } from './source-row.ts'

/** One JSON object per line; empty lines are passed over. */
export async function readJsonl(path: string): Promise<LabelSource> {
  const { size } = await stat(path)
  let bytesRead = () => 0
  return {
    unit: 'bytes',
    total: size,
    done: () => bytesRead(),
    async *rows() {
      const stream = createReadStream(path)
      bytesRead = () => stream.bytesRead
      let line = 0
      for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
        line += 1
        const trimmed = line === 1 ? text.replace(/^\uFEFF/, '').trim() : text.trim()
        if (trimmed !== '') yield toRow(line, trimmed)
      }
    },
  }
}

function toRow(line: number, text: string): SourceRow {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? { line, value } : { line, problem: 'is not a JSON object' }
  } catch {
    return { line, problem: 'is not JSON' }
  }
}
