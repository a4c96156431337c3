import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFile } from '../../platform/files/open-file.ts'
import { labelTypes } from '../testing/label-types.ts'
import { labelColumns } from './label-columns.ts'
import { toLabel, type ToLabelOptions } from './to-label.ts'

const row = { label: 'late', request_id: 'r1', value_number: 1, event_time: '2026-03-29T01:30:00Z' }
const half = '2026-03-29T01:30:00.000Z'

/** A row as a file's reader gives it: what is undefined is left out. */
function readRow(change: Record<string, unknown>, options: Partial<ToLabelOptions> = {}) {
  const given = Object.entries({ ...row, ...change }).filter(([, value]) => value !== undefined)
  return toLabel(Object.fromEntries(given), { definitions: labelTypes, ...options })
}

describe('a record', () => {
  test.each<[string, Record<string, unknown>, Partial<ToLabelOptions>, object]>([
    [
      'with numbers as text',
      { value_number: '1.50', index: '2.0', confidence: '.5' },
      {},
      { value_number: 1.5, index: 2, confidence: 0.5 },
    ],
    ['with an exponent', { value_number: '+1e-3' }, {}, { value_number: 0.001 }],
    ['with booleans as Python writes them', { value_number: 'True', retracted: 'FALSE' }, {}, { value_number: 1, retracted: false }],
    ['with booleans as JSON has them, and 1 for one', { value_number: false, retracted: 1 }, {}, { value_number: 0, retracted: true }],
    [
      'with booleans as PostgreSQL writes them, and 1.0 for one',
      { value_number: 'f', retracted: '1.0' },
      {},
      { value_number: 0, retracted: true },
    ],
    ['with ids that are integers', { request_id: 7, label_id: 9007199254740993n }, {}, { request_id: '7', label_id: '9007199254740993' }],
    ['with a category that is an integer', { label: 'stage', value_number: undefined, value_text: 3 }, {}, { value_text: '3' }],
    ['with columns of structs', { 'source.kind': 'human', 'source.name': 'Ann' }, {}, { source: { kind: 'human', name: 'Ann' } }],
    [
      'with entities as columns, of 64 bits',
      { request_id: undefined, 'entities.user': 9007199254740993n, 'entities.item': 7, anchor_time: row.event_time },
      {},
      { entities: { user: '9007199254740993', item: '7' } },
    ],
    ['with tags in one cell', { tags: 'a; b' }, {}, { tags: ['a', 'b'] }],
    ['with times in seconds', { event_time: 1774747800, known_at: '1774747800' }, { unit: 's' }, { event_time: half, known_at: half }],
    ['with local times', { event_time: '2026-03-29T07:00:00' }, { timeZone: 'Asia/Kolkata' }, { event_time: half }],
  ])('%s is a label', (_, change, options, expected) => expect(readRow(change, options)).toMatchObject(expected))

  test.each<[string, Record<string, unknown>, string, RegExp, code?: string]>([
    ['a number in hexadecimal', { label: 'minutes', value_number: '0x10' }, 'value_number', /is no number/],
    ['a number with underscores', { label: 'minutes', value_number: '1_000' }, 'value_number', /is no number/],
    ['a number with a comma', { label: 'minutes', value_number: '1,5' }, 'value_number', /is no number/],
    ['infinity', { value_number: 'inf' }, 'value_number', /infinite/, 'not_finite'],
    ['NaN as text', { value_number: 'nan' }, 'value_number', /NaN/, 'not_finite'],
    ['NaN', { value_number: Number.NaN }, 'value_number', /NaN/, 'not_finite'],
    ['a number that overflows', { value_number: '1e999' }, 'value_number', /too large/, 'not_finite'],
    ['yes as a confidence', { confidence: 'true' }, 'confidence', /is no number/],
    ['an id beyond the integers of a double', { request_id: 2 ** 53 }, 'request_id', /more digits/],
    ['an id with a fraction', { 'entities.user': 1.5 }, 'entities.user', /text or an integer/],
    ['half an index', { index: '0.5' }, 'index', /./],
    ['a time without an offset', { known_at: '2026-03-29 01:30:00' }, 'known_at', /--time-zone/],
    ['milliseconds taken for seconds', { event_time: 1774747800000 }, 'event_time', /--time-unit/],
    ['a time of the year 9999', { event_time: '9999-12-31T00:00:00Z' }, 'event_time', /1900 and 2299/],
    ['maybe for yes', { retracted: 'maybe' }, 'retracted', /neither true nor false/],
    ['two for yes', { retracted: 2 }, 'retracted', /neither true nor false/],
    ['a source of an unknown kind', { 'source.kind': 'rumour', 'source.name': 'x' }, 'source.kind', /./],
    ['an id with a control character', { request_id: 'a\u0007' }, 'request_id', /control/],
  ])('with %s is refused by its column', (_, change, path, message, code = 'invalid_request') => {
    expect(readRow(change)).toEqual({
      problem: { code, path, message: expect.stringMatching(message) as string },
    })
  })

  test('in milliseconds that are said to be seconds is refused', () => {
    expect(readRow({ event_time: 1774747800000 }, { unit: 's' })).toMatchObject({ problem: { path: 'event_time' } })
  })
})

describe('files of each kind', () => {
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'hindsight-labels-'))
  })
  afterAll(() => rm(dir, { recursive: true }))

  // prices.parquet was written by pyarrow 26.0.1: decimal(10, 2), a dictionary, int64 ids, times without a zone.
  test('give the same labels, and so the same ids', async () => {
    const csv =
      'label;entities.user;value_number;anchor_time;event_time\nprice;9007199254740993;19.99;2026-03-29 02:30:00;2026-03-29T03:30:00.000'
    const json = { label: 'price', entities: { user: '9007199254740993' }, value_number: 19.99, anchor_time: '2026-03-29T02:30:00' }
    await writeFile(join(dir, 'a.csv'), csv)
    await writeFile(join(dir, 'a.jsonl'), JSON.stringify({ ...json, event_time: '2026-03-29 03:30:00', retracted: null }))
    const labels = await Promise.all(
      [join(dir, 'a.csv'), join(dir, 'a.jsonl'), fileURLToPath(new URL('./testing/fixtures/prices.parquet', import.meta.url))].map(
        readLabels,
      ),
    )
    expect(labels[0]).toEqual([
      {
        label: 'price',
        entities: { user: '9007199254740993' },
        value_number: 19.99,
        label_id: expect.any(String) as string,
        anchor_time: '2026-03-29T01:30:00.000Z',
        event_time: '2026-03-29T01:30:00.000Z',
      },
    ])
    expect(labels[1]).toEqual(labels[0])
    expect(labels[2]).toEqual(labels[0])
  })

  // labels.parquet was written by pyarrow 26.0.1: zstd, two row groups, a struct, and times in milli- and microseconds.
  test('may have structs of entities, lists of tags and several row groups', async () => {
    expect(await readLabels(fileURLToPath(new URL('./testing/fixtures/labels.parquet', import.meta.url)))).toMatchObject([
      {
        label: 'arrived_late',
        request_id: 'flight-1',
        index: 0,
        value_number: 1,
        tags: ['import', 'june'],
        event_time: '2001-06-04T12:00:00.000Z',
      },
      { request_id: 'flight-2', value_number: 0, retracted: false },
      { entities: { flight: '7' }, anchor_time: '2001-06-04T11:00:00.000Z', tags: [] },
      { entities: { flight: '8', origin: 'SFO' }, retracted: true },
    ])
  })
})

async function readLabels(path: string): Promise<unknown[]> {
  const source = await openFile(path, { columns: labelColumns })
  const labels: unknown[] = []
  for await (const read of source.rows())
    labels.push('value' in read ? toLabel(read.value, { definitions: labelTypes, timeZone: 'Europe/Berlin' }) : read)
  return labels
}
