import { ServiceError } from '../../contracts/errors.ts'
import { parseJson } from '../json/parse-json.ts'
import { type FileOptions, type FileRow, type FileSource, isRecord } from './file-source.ts'
import { splitLines } from './split-lines.ts'
import { openTextFile, readHead } from './text-file.ts'

/** The most characters of one line: more than any record may have. */
const maxLength = 1024 * 1024

/** Reads one JSON object per line; empty lines are passed over, and so are members that are null. */
export async function readJsonl(path: string, options: FileOptions): Promise<FileSource> {
  const ignored = new Set(options.ignored)
  const source = await openTextFile(path, options, async function* readLines(pieces) {
    for await (const { line, text, tooLong } of splitLines(pieces, { maxLength })) {
      if (tooLong) yield { line, problem: { code: 'body_too_large', message: `the line is longer than ${maxLength} characters` } }
      else if (text.trim() !== '') yield toRow(line, text, ignored)
    }
  })
  if (/^\s*\[/.test(await readHead(path, options)))
    throw new ServiceError('invalid_request', `${path} begins with a list`, { hint: 'write one JSON object per line' })
  return source
}

function toRow(line: number, text: string, ignored: ReadonlySet<string>): FileRow {
  try {
    const value = parseJson(text, { what: 'line' })
    if (!isRecord(value)) return { line, problem: { code: 'invalid_request', message: 'is not a JSON object' } }
    return { line, value: withoutNulls(Object.fromEntries(Object.entries(value).filter(([name]) => !ignored.has(name)))) }
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    const { code, path, message } = error
    return { line, problem: { code, ...(path !== undefined && path !== '' && { path }), message } }
  }
}

function withoutNulls(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, isRecord(value) ? withoutNulls(value) : value]),
  )
}
