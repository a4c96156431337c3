import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { ServiceError } from '../../contracts/errors.ts'
import { chooseColumns } from './choose-columns.ts'
import type { FileOptions, FileProblem, FileRow, FileSource } from './file-source.ts'
import { toParquetColumns, type ParquetColumn } from './parquet-columns.ts'
import { withoutOurTypes } from './parquet-values.ts'

/** A row group is decoded whole; within it, this many rows at a time become records. */
const rowsAtOnce = 10_000

/** Structs are read as `outer.inner`. Throws `invalid_request` for columns that are unknown, written twice, or nested otherwise. */
export async function readParquet(path: string, options: FileOptions): Promise<FileSource> {
  const file = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(file)
  const found = toParquetColumns(parquetSchema(metadata)).filter(({ name }) => options.ignored?.includes(name) !== true)
  refuseNested(found)
  const { names, notes } = chooseColumns(
    found.map(({ name }) => name),
    options,
  )
  const columns = found.filter((_, at) => names[at] !== undefined)
  const reading = { file, metadata: { ...metadata, schema: metadata.schema.map(withoutOurTypes) }, columns }
  const total = Number(metadata.num_rows)
  let done = 0
  return {
    unit: 'rows',
    total,
    done: () => done,
    notes,
    async *rows() {
      for (let rowStart = 0; rowStart < total; rowStart += rowsAtOnce)
        for (const record of await readRecords(reading, { rowStart, rowEnd: Math.min(rowStart + rowsAtOnce, total) }))
          yield toRow(++done, columns, record)
    },
  }
}

function refuseNested(found: readonly ParquetColumn[]): void {
  const nested = found.find(({ read }) => read === undefined)
  if (nested === undefined) return
  throw new ServiceError('invalid_request', `the column ${JSON.stringify(nested.name)} is ${nested.type}, which no record can have`, {
    path: nested.name,
    hint: 'write plain columns, lists of texts, or structs of plain columns; --ignore-columns passes over others',
  })
}

type ParquetReading = { file: Awaited<ReturnType<typeof asyncBufferFromFile>>; metadata: FileMetaData; columns: readonly ParquetColumn[] }

/** Reads rows as records. Text stays bytes, and 96-bit times nanoseconds: `converterOf` makes values of them. */
async function readRecords(
  { file, metadata, columns }: ParquetReading,
  rows: { rowStart: number; rowEnd: number },
): Promise<Record<string, unknown>[]> {
  const names = [...new Set(columns.map(({ top }) => top))]
  if (names.length === 0) return Array.from({ length: rows.rowEnd - rows.rowStart }, () => ({}))
  const parsers = { timestampFromNanoseconds: (nanos: bigint) => nanos }
  return await parquetReadObjects({ file, metadata, compressors, columns: names, parsers, utf8: false, geoparquet: false, ...rows })
}

function toRow(line: number, columns: readonly ParquetColumn[], record: Record<string, unknown>): FileRow {
  const value: Record<string, unknown> = {}
  for (const column of columns) {
    try {
      const read = column.read?.(record[column.top])
      if (read !== undefined) value[column.name] = read
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      const problem: FileProblem = { code: 'invalid_request', path: column.name, message: error.message }
      return { line, problem }
    }
  }
  return { line, value }
}
