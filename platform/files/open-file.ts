import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ServiceError } from '../../contracts/errors.ts'
import type { FileOptions, FileRow, FileSource } from './file-source.ts'
import { readCsv } from './read-csv.ts'
import { readJsonl } from './read-jsonl.ts'
import { readParquet } from './read-parquet.ts'

type Read = (path: string, options: FileOptions) => Promise<FileSource>

const readTsv: Read = (path, options) => readCsv(path, { delimiter: 'tab', ...options })

const readers: Readonly<Record<string, Read>> = {
  '.csv': readCsv,
  '.tsv': readTsv,
  '.jsonl': readJsonl,
  '.ndjson': readJsonl,
  '.json': readJsonl,
  '.parquet': readParquet,
}

/**
 * Opens a file by its ending, or a folder of such files, as Spark writes them, as one. Throws `not_found`, `unsupported_media_type`,
 * `invalid_config` for an option that cannot be, and `invalid_request` for what is in it.
 *
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises'
 * import { openFile } from './open-file.ts'
 *
 * await writeFile('flights.csv', 'origin;delay\nORD;12\n')
 * const columns = { isKnown: (name: string) => ['origin', 'delay'].includes(name), description: 'origin, delay' }
 * const file = await openFile('flights.csv', { columns, delimiter: ';' })
 * const rows = []
 * for await (const row of file.rows()) rows.push(row)
 * rows // => [{ line: 2, value: { origin: 'ORD', delay: '12' } }]
 * ```
 */
export async function openFile(path: string, options: FileOptions): Promise<FileSource> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new ServiceError('not_found', `there is no file ${path}`, { cause })
  })
  if (found.isDirectory()) return openFolder(path, options)
  if (!found.isFile()) throw new ServiceError('not_found', `${path} is not a file`)
  return openOne(path, options)
}

async function openOne(path: string, options: FileOptions): Promise<FileSource> {
  const read = readerOf(path)
  if (read === undefined)
    throw new ServiceError('unsupported_media_type', `${path} is of no known kind`, {
      hint: `endings are ${Object.keys(readers).join(', ')}, and for text .gz after them`,
    })
  return read(path, options).catch((cause: unknown) => {
    if (cause instanceof ServiceError) throw cause
    throw new ServiceError('invalid_request', `${path} is damaged, or not what its ending says`, { cause })
  })
}

function readerOf(path: string): Read | undefined {
  const [, ending = '', gz] = /(\.[a-z]+)(\.gz)?$/.exec(path.toLowerCase()) ?? []
  return gz !== undefined && ending === '.parquet' ? undefined : readers[ending]
}

/** What Spark, Hadoop and operating systems leave beside the data, and the files that imports write beside theirs. */
const isHidden = (name: string): boolean => /^[._]|\.(rejects|unmatched)\.jsonl$/.test(name)

async function openFolder(path: string, options: FileOptions): Promise<FileSource> {
  const entries = (await readdir(path, { withFileTypes: true })).filter(({ name }) => !isHidden(name))
  const folder = entries.find((entry) => entry.isDirectory())
  if (folder !== undefined)
    throw new ServiceError('invalid_request', `${path} holds a folder, ${folder.name}: columns in the names of folders are not read`, {
      hint: 'write the data without partitions, or open each folder by itself',
    })
  const names = entries.map(({ name }) => name).toSorted()
  if (names.length === 0) throw new ServiceError('not_found', `${path} holds no file`)
  const sources: { name: string; source: FileSource }[] = []
  for (const name of names) sources.push({ name, source: await openOneOf(path, name, options) })
  return joined(sources)
}

async function openOneOf(folder: string, name: string, options: FileOptions): Promise<FileSource> {
  try {
    return await openOne(join(folder, name), options)
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    const { code, message, path, hint } = error
    throw new ServiceError(code, `${name}: ${message}`, {
      cause: error,
      ...(path !== undefined && { path }),
      ...(hint !== undefined && { hint }),
    })
  }
}

function joined(sources: readonly { name: string; source: FileSource }[]): FileSource {
  const sum = (figureOf: (source: FileSource) => number) => sources.reduce((total, { source }) => total + figureOf(source), 0)
  const isOfRows = sources.every(({ source }) => source.unit === 'rows')
  return {
    unit: isOfRows ? 'rows' : 'bytes',
    total: sum(({ total }) => total),
    done: () => sum((source) => source.done()),
    notes: [...new Set(sources.flatMap(({ source }) => source.notes))],
    async *rows(): AsyncGenerator<FileRow> {
      for (const { name, source } of sources) for await (const row of source.rows()) yield { ...row, file: name }
    },
  }
}
