import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { checkColumns, nest } from './columns.ts'
import type { LabelSource } from './source-row.ts'

/** A row group is decoded whole; within it, this many rows at a time are turned into labels. */
const rowsAtOnce = 10_000

/** Columns are the fields of a label; `entities` and `source` are structs, or flat as `entities.origin`. */
export async function readParquet(path: string): Promise<LabelSource> {
  const file = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(file)
  const names = parquetSchema(metadata).children.map(({ element }) => element.name)
  checkColumns(names.filter((name) => name !== 'entities' && name !== 'source'))
  const total = Number(metadata.num_rows)
  let done = 0
  return {
    unit: 'rows',
    total,
    done: () => done,
    async *rows() {
      for (let rowStart = 0; rowStart < total; rowStart += rowsAtOnce) {
        const rowEnd = Math.min(rowStart + rowsAtOnce, total)
        for (const record of await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd })) {
          done += 1
          yield { line: done, value: nest(Object.entries(withoutNulls(record))) }
        }
      }
    },
  }
}

/** What a Parquet value is in JSON; nulls and what is empty within a struct were not given. */
function toJsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid time' : value.toISOString()
  if (Array.isArray(value)) return value.map(toJsonValue)
  return typeof value === 'object' && value !== null ? withoutNulls(value) : value
}

function withoutNulls(record: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => [name, toJsonValue(value)]),
  )
}
