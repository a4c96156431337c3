import { CsvError, type Info, parse } from 'csv-parse'
import { Readable } from 'node:stream'
import { ServiceError } from '../../contracts/errors.ts'
import { chooseColumns } from './choose-columns.ts'
import type { FileOptions, FileRow, FileSource } from './file-source.ts'
import { decodeFile, openTextFile, readHead } from './text-file.ts'

/** Characters of one record: a quote that is never closed would otherwise take in the rest of the file. */
const maxRecordSize = 1024 * 1024

/** What separates cells, and how many lines come before the header: Excel may say on the first which it is. */
type Layout = { delimiter: string; linesBefore: number }

/**
 * Separated text with a header (RFC 4180, with `,`, `;` or a tab). A cell that is empty, or `null` without quotes, is a field that was
 * not given. Throws `invalid_request` for columns that are unknown or written twice.
 */
export async function readCsv(path: string, options: FileOptions): Promise<FileSource> {
  const source = await openTextFile(path, options, (pieces) => readRecords(pieces, reading))
  const reading = { path, options, layout: findLayout(await readHead(path, options), options.delimiter) }
  return { ...source, notes: await readNotes(path, reading) }
}

const delimiters = [',', ';', '\t']

/** The first line's most frequent delimiter outside quotes; a comma where it has none. */
export function findLayout(head: string, stated?: string): Layout {
  const [, separator, rest] = /^sep=(.)\r?\n([\s\S]*)$/i.exec(head) ?? []
  const linesBefore = separator === undefined ? 0 : 1
  const delimiter = toDelimiter(stated) ?? separator
  if (delimiter !== undefined) return { delimiter, linesBefore }
  const [first = ''] = (rest ?? head).replaceAll(/"[^"]*"/g, '').split(/\r|\n/)
  const [found = { delimiter: ',' }] = delimiters
    .map((each) => ({ delimiter: each, times: first.split(each).length - 1 }))
    .filter(({ times }) => times > 0)
    .toSorted((a, b) => b.times - a.times)
  return { delimiter: found.delimiter, linesBefore }
}

function toDelimiter(stated: string | undefined): string | undefined {
  const delimiter = stated === undefined ? undefined : ({ tab: '\t', '\\t': '\t', comma: ',', semicolon: ';' }[stated] ?? stated)
  if (delimiter === undefined || (delimiter.length === 1 && !'"\r\n'.includes(delimiter))) return delimiter
  throw new ServiceError('invalid_config', 'a delimiter is one character, or tab', { path: 'delimiter' })
}

type Reading = { path: string; layout: Layout; options: FileOptions }
type Cell = { text: string; quoted: boolean }
type Parsed = { info: Info; record: Cell[] }

async function* readRecords(pieces: AsyncIterable<string>, { path, layout, options }: Reading): AsyncGenerator<FileRow> {
  let names: (string | undefined)[] | undefined
  let countedTwice = 0
  for await (const { info, record } of parseCells(pieces, { path, layout })) {
    // `lines` counts up to the end of the record, and both halves of a \r\n within quotes.
    const line = info.lines - countOf(/[\r\n]/g, record) - countedTwice
    countedTwice += countOf(/\r\n/g, record)
    if (names === undefined) names = chooseColumns(toTexts(record), options).names
    else yield toRow(line, names, record)
  }
}

/** Reads the header alone, so that its faults are told before anything is used. */
async function readNotes(path: string, reading: Reading): Promise<string[]> {
  for await (const { record } of parseCells(decodeFile(path, reading.options), reading))
    return chooseColumns(toTexts(record), reading.options).notes
  return []
}

async function* parseCells(pieces: AsyncIterable<string>, { path, layout }: Pick<Reading, 'path' | 'layout'>): AsyncGenerator<Parsed> {
  const parser = parse({
    cast: (text, { quoting }): Cell => ({ text, quoted: quoting }),
    delimiter: layout.delimiter,
    from_line: layout.linesBefore + 1,
    info: true,
    max_record_size: maxRecordSize,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  })
  const text = Readable.from(pieces)
  text.on('error', (error) => parser.destroy(error))
  try {
    yield* text.pipe(parser) as AsyncIterable<Parsed>
  } catch (error) {
    throw error instanceof CsvError ? new ServiceError('invalid_request', `${path} is not CSV: ${error.message}`, { cause: error }) : error
  } finally {
    text.destroy()
  }
}

function countOf(pattern: RegExp, record: readonly Cell[]): number {
  return record.reduce((sum, { text }) => sum + (text.match(pattern)?.length ?? 0), 0)
}

function toTexts(record: readonly Cell[]): string[] {
  return record.map(({ text }) => text)
}

function toRow(line: number, names: readonly (string | undefined)[], record: readonly Cell[]): FileRow {
  if (record.length !== names.length)
    return { line, problem: { code: 'invalid_request', message: `has ${record.length} cells, and the header has ${names.length}` } }
  const given = names.flatMap((name, at) => {
    const cell = record[at]
    return name === undefined || cell === undefined || isAbsent(cell) ? [] : [[name, cell.text] as const]
  })
  return { line, value: Object.fromEntries(given) }
}

function isAbsent({ text, quoted }: Cell): boolean {
  return text === '' || (!quoted && text.toLowerCase() === 'null')
}
