import { stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { ServiceError } from '../../contracts/errors.ts'
import { readCsv } from './read-csv.ts'
import { readJsonl } from './read-jsonl.ts'
import { readParquet } from './read-parquet.ts'
import type { LabelSource } from './source-row.ts'

const readers: Readonly<Record<string, (path: string) => Promise<LabelSource>>> = {
  '.jsonl': readJsonl,
  '.ndjson': readJsonl,
  '.csv': readCsv,
  '.parquet': readParquet,
}

/** Opens a file of labels by its ending. Throws `not_found`, `unsupported_media_type` and `invalid_request`. */
export async function openSource(path: string): Promise<LabelSource> {
  const read = readers[extname(path).toLowerCase()]
  if (read === undefined)
    throw new ServiceError('unsupported_media_type', `${path} is of no known kind`, {
      hint: `endings are ${Object.keys(readers).join(', ')}`,
    })
  const found = await stat(path).catch((cause: unknown) => {
    throw new ServiceError('not_found', `there is no file ${path}`, { cause })
  })
  if (!found.isFile()) throw new ServiceError('not_found', `${path} is not a file`)
  return read(path).catch((cause: unknown) => {
    if (cause instanceof ServiceError) throw cause
    throw new ServiceError('invalid_request', `${path} is damaged, or not what its ending says`, { cause })
  })
}
