import { createReadStream, type ReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ServiceError } from '../../contracts/errors.ts'
import { createTextDecoder } from './decode-text.ts'
import type { FileOptions, FileRow, FileSource } from './file-source.ts'

export type TextReader = (pieces: AsyncIterable<string>) => AsyncIterable<FileRow>

/**
 * A text file, compressed by gzip if its name ends in .gz, as records, with progress in the bytes read so far. All of it is decoded once
 * before the first record is given: of a file that is not in its encoding nothing is used.
 */
export async function openTextFile(path: string, options: Pick<FileOptions, 'encoding'>, read: TextReader): Promise<FileSource> {
  const { size } = await stat(path)
  await checkText(path, options)
  let stream: ReadStream | undefined
  return {
    unit: 'bytes',
    total: size,
    done: () => stream?.bytesRead ?? 0,
    notes: [],
    rows() {
      const opened = openBytes(path)
      stream = opened.file
      return read(decodeAll(opened.bytes, options))
    },
  }
}

/** A text file, piece by piece. */
export function decodeFile(path: string, options: Pick<FileOptions, 'encoding'>): AsyncGenerator<string> {
  return decodeAll(openBytes(path).bytes, options)
}

/** The beginning of a text file. */
export async function readHead(path: string, options: Pick<FileOptions, 'encoding'>): Promise<string> {
  for await (const piece of decodeFile(path, options)) return piece
  return ''
}

function openBytes(path: string): { file: ReadStream; bytes: AsyncIterable<Uint8Array> } {
  const file = createReadStream(path)
  if (!path.toLowerCase().endsWith('.gz')) return { file, bytes: file as AsyncIterable<Uint8Array> }
  const gunzip = createGunzip()
  pipeline(file, gunzip, () => undefined)
  return { file, bytes: gunzip as AsyncIterable<Uint8Array> }
}

async function* decodeAll(bytes: AsyncIterable<Uint8Array>, { encoding }: Pick<FileOptions, 'encoding'>): AsyncGenerator<string> {
  const decoder = createTextDecoder(encoding)
  for await (const chunk of bytes) yield decoder.decode(chunk)
  yield decoder.end()
}

async function checkText(path: string, options: Pick<FileOptions, 'encoding'>): Promise<void> {
  try {
    for await (const text of decodeFile(path, options)) refuseNul(text)
  } catch (error) {
    if (!(error instanceof ServiceError) || error.code !== 'invalid_request') throw error
    const { line, mark } = await findFault(path, options)
    throw new ServiceError('invalid_request', `line ${line}: ${error.message}`, { cause: error, hint: mark ?? error.hint ?? '' })
  }
}

function refuseNul(text: string): void {
  if (text.includes('\0'))
    throw new ServiceError('invalid_request', 'the text holds U+0000', { hint: 'it may be UTF-16: --encoding utf-16le or utf-16be' })
}

const newline = 0x0a
const marks: readonly (readonly [first: number, second: number, encoding: string])[] = [
  [0xff, 0xfe, 'utf-16le'],
  [0xfe, 0xff, 'utf-16be'],
]

/** The line on which decoding fails, and what a mark at the beginning says of the encoding. */
async function findFault(path: string, { encoding }: Pick<FileOptions, 'encoding'>): Promise<{ line: number; mark: string | undefined }> {
  const decoder = createTextDecoder(encoding)
  let line = 1
  let mark: string | undefined
  for await (const chunk of openBytes(path).bytes) {
    if (line === 1) mark ??= marks.find(([first, second]) => chunk[0] === first && chunk[1] === second)?.[2]
    for (let from = 0; from < chunk.length;) {
      const end = chunk.indexOf(newline, from)
      const to = end === -1 ? chunk.length : end + 1
      try {
        refuseNul(decoder.decode(chunk.subarray(from, to)))
      } catch {
        return { line, mark: mark && `it begins as ${mark} does: --encoding ${mark}` }
      }
      if (end !== -1) line += 1
      from = to
    }
  }
  return { line, mark: undefined }
}
