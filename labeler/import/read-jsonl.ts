import type { ReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { isRecord, type LabelSource, type SourceRow } from './source-row.ts'
import { openTextFile } from './text-file.ts'

/** One JSON object per line; empty lines are passed over. */
export async function readJsonl(path: string): Promise<LabelSource> {
  return openTextFile(path, readLines)
}

async function* readLines(stream: ReadStream): AsyncGenerator<SourceRow> {
  let line = 0
  for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
    line += 1
    const trimmed = line === 1 ? text.replace(/^\uFEFF/, '').trim() : text.trim()
    if (trimmed !== '') yield toRow(line, trimmed)
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
