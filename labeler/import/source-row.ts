/** One record of a file: what it holds, or why it cannot be read. */
export type SourceRow = { line: number; value: Record<string, unknown> } | { line: number; problem: string }

/** A file as records in order. `line` is where a record begins; in Parquet, the number of its row from 1. */
export type LabelSource = {
  unit: 'bytes' | 'rows'
  total: number
  /** How far reading has come, in `unit`. */
  done(): number
  rows(): AsyncIterable<SourceRow>
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
