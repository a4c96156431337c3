import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFile } from '../../platform/files/open-file.ts'
import { labelTypes } from '../testing/label-types.ts'
import { labelColumns } from './label-columns.ts'
import { toLabel } from './to-label.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hindsight-values-'))
})
afterAll(() => rm(dir, { recursive: true }))

/** What each record's value became, the code of why it is none, or undefined where none was given. */
async function readValues(path: string, defaultLabel?: string): Promise<unknown[]> {
  const source = await openFile(path, { columns: labelColumns })
  const values: unknown[] = []
  for await (const row of source.rows()) {
    const label = 'value' in row ? toLabel(row.value, { definitions: labelTypes, defaultLabel }) : row
    values.push('problem' in label ? `${label.problem.code} at ${label.problem.path}` : (label.value_number ?? label.value_text))
  }
  return values
}

type Column = 'value_number' | 'value_text'

async function readCell(label: string, column: Column, cell: string): Promise<unknown> {
  const path = join(dir, 'cell.csv')
  await writeFile(path, `request_id,event_time,${column}\nr1,2001-06-04T12:00:00Z,${cell}\n`)
  return (await readValues(path, label))[0]
}

async function readMember(label: string, column: Column, value: string): Promise<unknown> {
  const path = join(dir, 'member.jsonl')
  await writeFile(path, `{"request_id":"r1","event_time":"2001-06-04T12:00:00Z","${column}":${value}}\n`)
  return (await readValues(path, label))[0]
}

const invalid = (column: Column) => `invalid_request at ${column}`
const noNumber = invalid('value_number')
const notFinite = 'not_finite at value_number'

describe('a cell of value_number', () => {
  test.each<[cell: string, binary: unknown, number: unknown, category: unknown]>([
    ['1', 1, 1, 1],
    ['1.0', 1, 1, 1],
    ['0.0', 0, 0, 0],
    ['"1"', 1, 1, 1],
    ['+1', 1, 1, 1],
    ['1.0E0', 1, 1, 1],
    ['1e3', 1000, 1000, 1000],
    ['1.00E+03', 1000, 1000, 1000],
    ['0.1', 0.1, 0.1, 0.1],
    ['1e+22', 1e22, 1e22, noNumber],
    ['9007199254740993', 9007199254740992, 9007199254740992, noNumber],
    ['True', 1, noNumber, noNumber],
    ['TRUE', 1, noNumber, noNumber],
    ['true', 1, noNumber, noNumber],
    ['False', 0, noNumber, noNumber],
    ['t', 1, noNumber, noNumber],
    ['f', 0, noNumber, noNumber],
    ['yes', noNumber, noNumber, noNumber],
    ['Y', noNumber, noNumber, noNumber],
    ['WAHR', noNumber, noNumber, noNumber],
    [String.raw`\N`, noNumber, noNumber, noNumber],
    ['<NA>', noNumber, noNumber, noNumber],
    ['#N/A', noNumber, noNumber, noNumber],
    ['"1,5"', noNumber, noNumber, noNumber],
    ['1_000', noNumber, noNumber, noNumber],
    ['0x1', noNumber, noNumber, noNumber],
    ['NaN', notFinite, notFinite, notFinite],
    ['nan', notFinite, notFinite, notFinite],
    ['-Infinity', notFinite, notFinite, notFinite],
    ['inf', notFinite, notFinite, notFinite],
    ['1e999', notFinite, notFinite, notFinite],
    ['', undefined, undefined, undefined],
    ['NULL', undefined, undefined, undefined],
  ])('that is %s', async (cell, binary, number, category) => {
    const read = []
    for (const label of ['late', 'minutes', 'stage']) read.push(await readCell(label, 'value_number', cell))
    expect(read).toEqual([binary, number, category])
  })
})

describe('a cell of value_text', () => {
  test.each<[cell: string, category: unknown]>([
    ['open', 'open'],
    ['1', '1'],
    ['1.0', '1'],
    ['"2"', '2'],
    ['1e3', '1000'],
    ['1.50', '1.50'],
    ['true', 'true'],
    ['True', 'True'],
    ['"null"', 'null'],
    ['nan', 'nan'],
    ['3.0', '3.0'],
    ['', undefined],
  ])('that is %s is a category, or left for the gateway to refuse', async (cell, category) => {
    expect(await readCell('stage', 'value_text', cell)).toBe(category)
  })

  test.each(['late', 'minutes'])('is refused for %s, which takes a number', async (label) => {
    expect(await readCell(label, 'value_text', 'true')).toBe(invalid('value_text'))
    expect(await readCell(label, 'value_text', '1')).toBe(invalid('value_text'))
  })
})

test.each<[value: string, binary: unknown, number: unknown, category: unknown, text: unknown]>([
  ['true', 1, noNumber, noNumber, 'true'],
  ['false', 0, noNumber, noNumber, 'false'],
  ['1', 1, 1, 1, '1'],
  ['1.0', 1, 1, 1, '1'],
  ['"1"', 1, 1, 1, '1'],
  ['"true"', 1, noNumber, noNumber, 'true'],
  ['"NaN"', notFinite, notFinite, notFinite, 'NaN'],
  ['1e3', 1000, 1000, 1000, '1000'],
  ['[1]', noNumber, noNumber, noNumber, invalid('value_text')],
  ['{}', noNumber, noNumber, noNumber, invalid('value_text')],
  ['null', undefined, undefined, undefined, undefined],
])('a member of JSON that is %s', async (value, binary, number, category, text) => {
  const read = []
  for (const label of ['late', 'minutes', 'stage']) read.push(await readMember(label, 'value_number', value))
  expect([...read, await readMember('stage', 'value_text', value)]).toEqual([binary, number, category, text])
})

// pandas 3.1.1 wrote them by pyarrow 26.0.1, with the label as a dictionary of strings.
test.each<[kind: string, name: string, unknown[]]>([
  ['booleans of three states', 'booleans', [1, 0, undefined]],
  ['integers of 8 bits', 'bytes', [1, 0, 2]],
  ['floats, with one that is missing and an infinite one', 'floats', [1000, 1e22, 0.1, undefined, notFinite]],
  ['a dictionary of strings', 'classes', ['2', 'open', undefined]],
  ['integers of 64 bits', 'long-classes', [2, undefined, noNumber]],
])('columns of Parquet: %s', async (_, name, expected) => {
  expect(await readValues(fileURLToPath(new URL(`./testing/fixtures/${name}.parquet`, import.meta.url)))).toEqual(expected)
})

test('a label that nobody defines is refused with those that are, before its value is looked at', async () => {
  const record = { label: 'lateness', request_id: 'r1', value_number: 'x', event_time: '2001-06-04T12:00:00Z' }
  expect(toLabel(record, { definitions: labelTypes })).toEqual({
    problem: {
      code: 'unknown_label',
      path: 'label',
      message: 'the project defines no label "lateness"; it defines late, arrived_late, minutes, price, stage',
    },
  })
  expect(toLabel(record, { definitions: new Map() })).toMatchObject({
    problem: { message: expect.stringContaining('defines none') as string },
  })
  expect(toLabel({ ...record, label: 1 }, { definitions: labelTypes })).toMatchObject({
    problem: { code: 'invalid_request', path: 'label' },
  })
})
