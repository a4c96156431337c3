import type { ReadStream } from 'node:fs'
import { CsvError, type Info, parse } from 'csv-parse'
import { ServiceError } from '../../contracts/errors.ts'
import { checkColumns, toFields } from './columns.ts'
import type { LabelSource, SourceRow } from './source-row.ts'
import { openTextFile } from './text-file.ts'

/** RFC 4180 with a header. An empty cell is a field that was not given. Throws `invalid_request` for an unknown column. */
export async function readCsv(path: string): Promise<LabelSource> {
  return openTextFile(path, (stream) => readRecords(path, stream))
}

async function* readRecords(path: string, stream: ReadStream): AsyncGenerator<SourceRow> {
  const parser = stream.pipe(
    parse({
      bom: true,
      info: true,
      skip_empty_lines: true,
      trim: true,
      columns: (names: string[]) => checkColumns(names),
      relax_column_count: true,
    }),
  )
  stream.on('error', (error) => parser.destroy(error))
  let end = 1
  let misfits = 0
  try {
    for await (const { info, record } of parser as AsyncIterable<{ info: Info; record: Record<string, string> }>) {
      // `lines` counts up to the end of the record; one that spans several begins behind the one before.
      const line = end + 1
      end = info.lines
      const fits = info.invalid_field_length === misfits
      misfits = info.invalid_field_length
      yield fits ? { line, value: toFields(record) } : { line, problem: 'has another number of cells than the header' }
    }
  } catch (error) {
    throw error instanceof CsvError ? new ServiceError('invalid_request', `${path} is not CSV: ${error.message}`, { cause: error }) : error
  }
}
