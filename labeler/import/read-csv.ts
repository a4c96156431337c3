import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { CsvError, type Info, parse } from 'csv-parse'
import { ServiceError } from '../../contracts/errors.ts'
import { checkColumns, toFields } from './columns.ts'
import type { LabelSource } from './source-row.ts'

/** RFC 4180 with a header. An empty cell is a field that was not given. Throws `invalid_request` for an unknown column. */
export async function readCsv(path: string): Promise<LabelSource> {
  const { size } = await stat(path)
  let bytesRead = () => 0
  return {
    unit: 'bytes',
    total: size,
    done: () => bytesRead(),
    async *rows() {
      const stream = createReadStream(path)
      bytesRead = () => stream.bytesRead
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
        throw error instanceof CsvError
          ? new ServiceError('invalid_request', `${path} is not CSV: ${error.message}`, { cause: error })
          : error
      }
    },
  }
}
