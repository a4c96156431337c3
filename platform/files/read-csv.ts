import { ServiceError } from '../../contracts/errors.ts'
import { chooseColumns } from './choose-columns.ts'
import type { FileOptions, FileRow, FileSource } from './file-source.ts'
import { type Cell, checkCsv, type CsvLayout, parseCsv } from './parse-csv.ts'
import { decodeFile, openTextFile, readHead } from './text-file.ts'

/**
 * Separated text with a header (RFC 4180, with `,`, `;` or a tab). A cell that is empty, or `null` without quotes, is a field that was
 * not given. All of it is parsed once before the first record is given: after a quote that is out of place nobody knows where records
 * end. Throws `invalid_request` for that, and for columns that are unknown or written twice.
 */
export async function readCsv(path: string, options: FileOptions): Promise<FileSource> {
  const source = await openTextFile(path, options, (pieces) => readRecords(pieces, reading))
  const reading = { path, options, layout: findLayout(await readHead(path, options), options.delimiter) }
  const notes = await readNotes(reading)
  await checkCsv(() => decodeFile(path, options), reading.layout)
  return { ...source, notes }
}

const delimiters = [',', ';', '\t']

/** The first line's most frequent delimiter outside quotes; a comma where it has none. */
export function findLayout(head: string, stated?: string): CsvLayout {
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

type CsvReading = { path: string; layout: CsvLayout; options: FileOptions }

async function* readRecords(pieces: AsyncIterable<string>, { layout, options }: CsvReading): AsyncGenerator<FileRow> {
  let names: (string | undefined)[] | undefined
  for await (const { line, cells } of parseCsv(pieces, layout)) {
    if (names === undefined) names = chooseColumns(toTexts(cells), options).names
    else yield toRow(line, names, cells)
  }
}

/** Reads the header alone, so that its faults are told before anything is used. */
async function readNotes({ path, layout, options }: CsvReading): Promise<string[]> {
  for await (const { cells } of parseCsv(decodeFile(path, options), layout)) return chooseColumns(toTexts(cells), options).notes
  return []
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
