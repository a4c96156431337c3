import type { ErrorCode } from '../../contracts/errors.ts'

/** Why a record cannot be read; `path` is its column or member. */
export type FileProblem = { code: ErrorCode; path?: string; message: string }

/** One record of a file: what it holds, or why it cannot be read. `line` is where it begins; in Parquet, its row from 1. */
export type FileRow = { line: number; /** The name of the file, where a folder of files is read. */ file?: string } & (
  | { value: Record<string, unknown> }
  | { problem: FileProblem }
)

/**
 * A file as records in order. Values: of CSV texts, by column; of JSON what was written, without nulls; of Parquet texts,
 * numbers, booleans, integers beyond 2^53 as `bigint`, times in RFC 3339 (without an offset where the file states none), and lists and
 * structs of these.
 */
export type FileSource = {
  unit: 'bytes' | 'rows'
  total: number
  /** How far reading has come, in `unit`. */
  done(): number
  /** The decisions of a reader that its user should know, such as columns that were passed over. */
  notes: readonly string[]
  rows(): AsyncIterable<FileRow>
}

/** The columns that a reader's caller knows. A struct's are named `outer.inner`. */
export type KnownColumns = {
  isKnown(name: string): boolean
  /** The known names, for a person who wrote another. */
  description: string
}

export type FileOptions = {
  columns: KnownColumns
  /** Columns and members to pass over. */
  ignored?: readonly string[] | undefined
  /** The encoding of text; UTF-8 where none is stated. */
  encoding?: string | undefined
  /** The delimiter of CSV; found in its first line where none is stated. */
  delimiter?: string | undefined
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
