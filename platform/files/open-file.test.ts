import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FileOptions, FileRow } from './file-source.ts'
import { openFile } from './open-file.ts'

let dir: string
let files = 0
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hindsight-files-'))
})
afterAll(() => rm(dir, { recursive: true }))

type SomeOptions = Partial<FileOptions>
const letters: FileOptions['columns'] = { isKnown: (name) => /^([a-c]|id|at)$/.test(name), description: 'a, b, c, id, at' }
const anything: FileOptions['columns'] = { isKnown: () => true, description: 'any' }

async function write(ending: string, content: string | Uint8Array): Promise<string> {
  const path = join(dir, `${(files += 1)}${ending}`)
  await writeFile(path, content)
  return path
}

async function readAll(path: string, options: SomeOptions = {}): Promise<FileRow[]> {
  const source = await openFile(path, { columns: letters, ...options })
  const rows: FileRow[] = []
  for await (const row of source.rows()) rows.push(row)
  expect(source.done()).toBe(source.total)
  return rows
}

const read = async (ending: string, content: string | Uint8Array, options: SomeOptions = {}) =>
  readAll(await write(ending, content), options)
const values = (rows: readonly FileRow[]) => rows.map((row) => ('value' in row ? row.value : row.problem))
const fixture = (name: string) => fileURLToPath(new URL(`./testing/fixtures/${name}`, import.meta.url))
const latin1 = (text: string) => Buffer.from(text, 'latin1')
const bom = '\uFEFF'

describe('CSV', () => {
  test('gives texts by column with their lines, and leaves out what is empty or null', async () => {
    expect(await read('.csv', `${bom}a,b,c\r\n1,"two\nli\r\nnes",null\r\n\r\n,NULL,"null"\r\n007, x ,"a ""b"""`)).toEqual([
      { line: 2, value: { a: '1', b: 'two\nli\r\nnes' } },
      { line: 6, value: { c: 'null' } },
      { line: 7, value: { a: '007', b: 'x', c: 'a "b"' } },
    ])
  })

  test.each<[string, string, SomeOptions]>([
    ['semicolons', 'a;b\n1,5;2', {}],
    ['tabs', 'a\tb\n1,5\t2', {}],
    ["Excel's first line", 'sep=;\r\na;b\r\n1,5;2', {}],
    ['a bar, when it is said', 'a|b\n1,5|2', { delimiter: '|' }],
    ['a delimiter by its name', 'a\tb\n1,5\t2', { delimiter: 'tab' }],
    ['a comma within quotes', 'a,b\n"1,5",2', {}],
    ['quoted names with the delimiter in them', '"a";"b"\n1,5;2', {}],
    ['lines that end as on old Macs', 'a;b\r1,5;2\r', {}],
  ])('is taken with %s', async (_, text, options) => {
    expect(values(await read('.csv', text, options))).toEqual([{ a: '1,5', b: '2' }])
  })

  test('is taken with one column, with lines that end differently, and with separators of JSON that end no line', async () => {
    expect(values(await read('.csv', 'a\nx\r\ny\nz\u2028\u2029\u0085w'))).toEqual([{ a: 'x' }, { a: 'y' }, { a: 'z\u2028\u2029\u0085w' }])
  })

  test('says of a record with another number of cells where it is', async () => {
    expect(await read('.csv', 'a,b\n1\n1,2,3\n1,2')).toEqual([
      { line: 2, problem: { code: 'invalid_request', message: 'has 1 cells, and the header has 2' } },
      { line: 3, problem: { code: 'invalid_request', message: 'has 3 cells, and the header has 2' } },
      { line: 4, value: { a: '1', b: '2' } },
    ])
  })

  test.each<[string, string, SomeOptions, object]>([
    ['a column written twice', 'a,b,a\n1,2,3', {}, { path: 'a', message: expect.stringContaining('written twice') as string }],
    ['columns that nobody knows', 'a,x,y\n1,2,3', {}, { path: 'x', message: 'these columns are unknown: "x", "y"' }],
    ['a column without a name that is not the first', 'a,\n1,2', {}, { message: 'these columns are unknown: the one without a name at 2' }],
    ['a delimiter of two characters', 'a\n1', { delimiter: '::' }, { code: 'invalid_config' }],
  ])('is refused with %s', async (_, text, options, expected) => {
    await expect(read('.csv', text, options)).rejects.toMatchObject({ code: 'invalid_request', ...expected })
  })

  test.each<[string, string, number, string | undefined, RegExp]>([
    ['is never closed', 'a,b\n1,2\n3,"x\n4,5\n6,7\n', 3, 'b', /never closed/],
    ['is never closed, in a file that goes on for long', `a,b\n1,2\n3,"${'x\n'.repeat(600_000)}`, 3, 'b', /never closed/],
    ['is never closed, in the header', 'a,"b\n1,2\n', 1, undefined, /never closed/],
    ['stands within a cell', 'a,b\n1,5" pipe\n', 2, 'b', /does not begin/],
    ['is not written twice', 'a,b\n"x","y"\n"a "b" c",1\n', 3, 'a', /text follows/],
    ['stands after a backslash', String.raw`a,b${'\n'}"a \"b\" c",1`, 2, 'a', /text follows/],
    ['comes after records of several lines and lines that are empty', 'a,b\r\n"1\r\n2",3\r\n\r\n\r\n4,"5\r\n6"7', 6, 'b', /text follows/],
    ["comes after Excel's first line", 'sep=;\r\na;b\r\n1;2"\r\n', 3, 'b', /does not begin/],
    ['stands beyond the columns of the header', 'a,b\n1,2,3"\n', 2, undefined, /does not begin/],
    ['is in the last of many records', `a,b\n${'1,2\n'.repeat(50_000)}3,"4`, 50_002, 'b', /never closed/],
  ])('is refused before anything is read where a quote %s', async (_, text, line, column, fault) => {
    const opened = openFile(await write('.csv', text), { columns: letters })
    const refusal = await opened.then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(refusal).toMatchObject({ code: 'invalid_request', path: column, message: expect.stringMatching(fault) as string })
    expect((refusal as Error).message).toMatch(new RegExp(`^line ${line}(?: at ${column})?: `))
  })

  test('passes over what it is told to, and the index that pandas writes', async () => {
    const ignored = { ignored: ['x', 'y'] }
    expect(values(await read('.csv', 'a,x,y,x\n1,2,3,4', ignored))).toEqual([{ a: '1' }])
    for (const index of ['', 'Unnamed: 0', '__index_level_0__']) {
      const path = await write('.csv', `${index},a\n0,1\n1,2`)
      const { notes } = await openFile(path, { columns: letters })
      expect(notes).toEqual([`the column ${JSON.stringify(index)} is pandas' index, and is passed over`])
      expect(values(await readAll(path))).toEqual([{ a: '1' }, { a: '2' }])
    }
  })
})

describe('JSONL', () => {
  test('gives objects with their lines, without nulls, and says which lines are none', async () => {
    expect(await read('.jsonl', `${bom}{"a":1,"b":null,"c":{"x":null,"y":[null]}}\r\n\n  \n[1]\n{"a":\n{"a":"ü"}`)).toEqual([
      { line: 1, value: { a: 1, c: { y: [null] } } },
      { line: 4, problem: { code: 'invalid_request', message: 'is not a JSON object' } },
      { line: 5, problem: { code: 'invalid_json', message: expect.stringContaining('the line is not JSON') as string } },
      { line: 6, value: { a: 'ü' } },
    ])
  })

  // https://github.com/nodejs/node: node:readline ends lines at U+2028 and U+2029 in some versions, and at a lone \r in all.
  test('ends lines at \\n alone', async () => {
    const text = 'a\u2028b\u2029c\u0085d\u000be\u000cf'
    expect(await read('.jsonl', `{"a":"${text}"}\n{"a":\r"x"}\r\n`)).toMatchObject([
      { line: 1, problem: { code: 'invalid_json' } },
      { line: 2, value: { a: 'x' } },
    ])
    const allowed = 'a\u2028b\u2029c\u0085d'
    expect(await read('.ndjson', `{"a":"${allowed}"}\n{"a":"${allowed}"}`)).toEqual([
      { line: 1, value: { a: allowed } },
      { line: 2, value: { a: allowed } },
    ])
  })

  test.each([
    ['a key written twice', '{"a":1,"a":2}', { code: 'invalid_request', path: 'a' }],
    ['a key within written twice', '{"a":{"b":1,"b":2}}', { code: 'invalid_request', path: 'a.b' }],
    ['NaN', '{"a":NaN}', { code: 'not_finite', path: 'a' }],
    ['a number that overflows', '{"a":1e999}', { code: 'not_finite', path: 'a' }],
    ['half of a surrogate pair', String.raw`{"a":"\ud800"}`, { code: 'invalid_request', path: 'a' }],
    ['a comma at the end', '{"a":1,}', { code: 'invalid_json' }],
    ['more characters than a record has', `{"a":"${'x'.repeat(1024 * 1024)}"}`, { code: 'body_too_large' }],
  ])('says what is wrong with a line with %s, and reads on', async (_, line, problem) => {
    expect(await read('.jsonl', `${line}\n{"a":2}`)).toMatchObject([
      { line: 1, problem },
      { line: 2, value: { a: 2 } },
    ])
  })

  test('passes over members that it is told to, and refuses a list', async () => {
    expect(values(await read('.jsonl', '{"a":1,"x":{"y":2}}', { ignored: ['x'] }))).toEqual([{ a: 1 }])
    await expect(read('.json', '[{"a":1}]')).rejects.toMatchObject({ code: 'invalid_request', hint: 'write one JSON object per line' })
  })
})

describe('an encoding', () => {
  test('is UTF-8 unless another is stated: bytes that are not are refused with their line, before anything is read', async () => {
    const long = `a\n${'x\n'.repeat(100_000)}`
    await expect(read('.csv', latin1(`${long}M\u00fcnchen\n`))).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'line 100002: the text is not UTF-8',
      hint: expect.stringContaining('--encoding') as string,
    })
    await expect(read('.jsonl', latin1('{"a":"\u00fc"}'))).rejects.toMatchObject({ message: 'line 1: the text is not UTF-8' })
    await expect(read('.csv', Buffer.from('a\n\u00fc').subarray(0, 3))).rejects.toMatchObject({ message: 'line 2: the text is not UTF-8' })
  })

  test.each<[string, Uint8Array, string]>([
    ['latin1', latin1('a\nM\u00fcnchen'), 'M\u00fcnchen'],
    ['iso-8859-1', latin1('a\nM\u00fcnchen'), 'M\u00fcnchen'],
    ['windows-1252', Buffer.concat([latin1('a\nM\u00fcnchen '), Buffer.from([0x80, 0x93])]), 'M\u00fcnchen \u20ac\u201c'],
    ['utf-16le', Buffer.from(`${bom}a\nM\u00fcnchen \u{1F6EB}`, 'utf16le'), 'M\u00fcnchen \u{1F6EB}'],
    ['utf-16be', Buffer.from(`${bom}a\nM\u00fcnchen`, 'utf16le').swap16(), 'M\u00fcnchen'],
    ['shift_jis', Buffer.from([0x61, 0x0a, 0x93, 0x8c, 0x8b, 0x9e]), '\u6771\u4eac'],
  ])('%s is read when it is stated', async (encoding, bytes, expected) => {
    expect(values(await read('.csv', bytes, { encoding }))).toEqual([{ a: expected }])
  })

  test.each<[string, Uint8Array, string | undefined, RegExp]>([
    ['UTF-16 by its mark', Buffer.from(`${bom}a\nx`, 'utf16le'), undefined, /utf-16le/],
    ['UTF-16 without a mark by its zeros', Buffer.from('a\nx', 'utf16le'), undefined, /utf-16le/],
    ['what only windows-1252 has, in Latin-1', Buffer.from([0x61, 0x0a, 0x80]), 'latin1', /windows-1252/],
    ['what windows-1252 has not', Buffer.from([0x61, 0x0a, 0x81]), 'windows-1252', /--encoding/],
    ['an odd number of bytes in UTF-16', Buffer.from([0x61, 0x00, 0x0a]), 'utf-16le', /--encoding/],
  ])('is refused: %s', async (_, bytes, encoding, hint) => {
    await expect(read('.csv', bytes, { encoding })).rejects.toMatchObject({
      code: 'invalid_request',
      hint: expect.stringMatching(hint) as string,
    })
  })

  test('that does not exist is refused', async () => {
    await expect(read('.csv', 'a', { encoding: 'utf-9' })).rejects.toMatchObject({ code: 'invalid_config' })
  })
})

// pyarrow 26.0.1, pandas 3, polars, duckdb and fastparquet 2026.9 wrote the fixtures.
describe('Parquet', () => {
  test('gives numbers, times, texts, lists and structs as JSON has them, without what is null', async () => {
    const local = '2026-03-29T01:30:00.123'
    const utc = '2026-03-29T01:30:00.000Z'
    expect(values(await readAll(fixture('types.parquet'), { columns: anything, ignored: ['bytes'] }))).toEqual([
      {
        d9: 19.99,
        d18: 19.99,
        d38: Number('12345678901234567890.123456789012'),
        i64: 9007199254740993n,
        u64: 18446744073709551615n,
        u32: 4294967295,
        i8: -1,
        f32: 0.1,
        f16: 0.5,
        yes: true,
        day: '2026-03-29',
        ms_utc: utc,
        us_local: local,
        ns_utc: '2026-03-29T01:30:00.123Z',
        word: 'x',
        words: ['a', 'b'],
        'point.x': '1',
      },
      {
        d9: 1,
        d18: 1,
        d38: 1,
        i64: -9223372036854775808n,
        u64: 9007199254740991,
        u32: 0,
        i8: 0,
        f32: 19.99,
        f16: 1,
        yes: false,
        day: '1969-12-31',
        ms_utc: utc,
        us_local: local,
        ns_utc: '1969-12-31T23:59:59.999Z',
        words: [],
      },
      {
        d9: -0.1,
        d18: -0.1,
        d38: -0.1,
        i64: 7,
        u64: 0,
        u32: 1,
        i8: 1,
        f32: 1e-20,
        f16: 2,
        ms_utc: utc,
        us_local: local,
        ns_utc: '1970-01-01T00:00:00.000Z',
        word: 'ü',
        'point.y': '2',
      },
      { d9: 1234.5678, d18: 1234.5678, u32: 2, i8: 2, yes: true, word: 'x', words: ['c'], 'point.x': '3', 'point.y': '4' },
    ])
  })

  test('says of bytes that are no text which record has them', async () => {
    expect((await readAll(fixture('types.parquet'), { columns: anything }))[1]).toEqual({
      line: 2,
      problem: { code: 'invalid_request', path: 'bytes', message: 'is not UTF-8' },
    })
  })

  test('leaves times of which the file does not say the zone without an offset', async () => {
    expect(values(await readAll(fixture('int96.parquet')))).toEqual([{ at: '2026-03-29T01:30:00.000' }])
    expect(values(await readAll(fixture('fastparquet.parquet')))).toEqual([{ id: 'a', at: '2026-03-29T01:30:00.000' }])
    expect(values(await readAll(fixture('polars.parquet'), { columns: anything }))).toEqual([
      { price: 19.99, nan: Number.NaN, at: '2026-03-29T01:30:00.000' },
    ])
    expect(values(await readAll(fixture('duckdb.parquet'), { columns: anything, ignored: ['t'] }))).toEqual([
      {
        id: '5124e423-3ddf-483f-aea8-c52c26fc27df',
        price: 19.99,
        huge: 7,
        at: '2026-03-29T01:30:00.000Z',
        local: '2026-03-29T01:30:00.000',
      },
    ])
  })

  test("passes over pandas' index", async () => {
    const { notes } = await openFile(fixture('pandas-index.parquet'), { columns: letters })
    expect(notes).toEqual([`the column "__index_level_0__" is pandas' index, and is passed over`])
    expect(values(await readAll(fixture('pandas-index.parquet'))).map((value) => (value as { id: string }).id)).toEqual(['c', 'a', 'b'])
  })

  test.each([
    ['a map', 'nested.parquet', ['deep', 'lists'], 'roles', 'MAP'],
    ['a struct within a struct', 'nested.parquet', ['roles', 'lists'], 'deep.a', 'a struct within a struct'],
    ['a list of lists', 'nested.parquet', ['roles', 'deep.a'], 'lists', 'LIST'],
    ['a time of day', 'duckdb.parquet', [], 't', 'TIME'],
  ])('is refused with %s', async (_, name, ignored, path, type) => {
    const refusal = { code: 'invalid_request', path, message: expect.stringContaining(type) as string }
    await expect(readAll(fixture(name), { columns: anything, ignored })).rejects.toMatchObject(refusal)
  })
})

describe('files', () => {
  test('of text may be compressed', async () => {
    expect(values(await read('.csv.gz', gzipSync('a,b\n1,2')))).toEqual([{ a: '1', b: '2' }])
    expect(values(await read('.jsonl.gz', gzipSync('{"a":1}')))).toEqual([{ a: 1 }])
    await expect(read('.csv.gz', gzipSync('a,b\n1,2').subarray(0, 20))).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(read('.csv.gz', 'a,b\n1,2')).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('in a folder are one, as Spark writes them', async () => {
    expect(await readAll(fixture('spark'))).toEqual(
      ['00000', '00001'].flatMap((part, at) =>
        ['a', 'b'].map((id, row) => ({ file: `part-${part}-5c4f-c000.snappy.parquet`, line: row + 1, value: { id: `${at}${id}` } })),
      ),
    )
    const folder = join(dir, 'csv')
    await mkdir(folder)
    for (const part of ['part-1.csv', 'part-0.csv']) await writeFile(join(folder, part), `a\n${part}`)
    await writeFile(join(folder, '.part-0.csv.crc'), '')
    expect(values(await readAll(folder))).toEqual([{ a: 'part-0.csv' }, { a: 'part-1.csv' }])
    await writeFile(join(folder, 'part-2.csv'), 'a\n"x')
    await expect(readAll(folder)).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'part-2.csv: line 2 at a: a quote is never closed',
    })
    await mkdir(join(folder, 'day=1'))
    await expect(readAll(folder)).rejects.toMatchObject({ message: expect.stringContaining('day=1') as string })
    await mkdir(join(dir, 'empty'))
    await expect(readAll(join(dir, 'empty'))).rejects.toMatchObject({ code: 'not_found' })
  })

  test('of no known kind, that are not there, or damaged are refused', async () => {
    await expect(read('.xlsx', 'x')).rejects.toMatchObject({ code: 'unsupported_media_type' })
    await expect(openFile(join(dir, 'none.csv'), { columns: letters })).rejects.toMatchObject({ code: 'not_found' })
    await expect(read('.parquet', 'PAR1')).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('damaged') as string,
    })
    expect(await read('.csv', '')).toEqual([])
    expect(await read('.jsonl', '\n\n')).toEqual([])
    expect(await read('.csv', 'a,b')).toEqual([])
  })
})
