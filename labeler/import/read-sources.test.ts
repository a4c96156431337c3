import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSource } from './open-source.ts'
import type { SourceRow } from './source-row.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hindsight-labels-'))
})
afterAll(() => rm(dir, { recursive: true }))

async function read(name: string, text: string): Promise<SourceRow[]> {
  const path = join(dir, name)
  await writeFile(path, text)
  return readAll(path)
}

async function readAll(path: string): Promise<SourceRow[]> {
  const source = await openSource(path)
  const rows: SourceRow[] = []
  for await (const row of source.rows()) rows.push(row)
  expect(source.done()).toBe(source.total)
  return rows
}

describe('JSONL', () => {
  test('gives objects with their lines, and says which lines are none', async () => {
    expect(await read('a.jsonl', '\uFEFF{"label":"a"}\r\n\n  \n[1]\n{"label":\n{"label":"ü"}')).toEqual([
      { line: 1, value: { label: 'a' } },
      { line: 4, problem: 'is not a JSON object' },
      { line: 5, problem: 'is not JSON' },
      { line: 6, value: { label: 'ü' } },
    ])
  })
})

describe('CSV', () => {
  test('maps columns to fields, flat names to members, and leaves empty cells out', async () => {
    const text = [
      '\uFEFFlabel,entities.origin,entities.flight,anchor_time,value_number,retracted,tags,source.kind,source.name',
      'late,SFO,7,2001-06-04T12:00:00Z,1,false,a;b,human,"Ann, of ops"',
      'late,,7,,0.5,1,,,',
    ].join('\r\n')
    expect(await read('a.csv', text)).toEqual([
      {
        line: 2,
        value: {
          ...{ label: 'late', entities: { origin: 'SFO', flight: '7' }, anchor_time: '2001-06-04T12:00:00Z', value_number: 1 },
          ...{ retracted: false, tags: ['a', 'b'], source: { kind: 'human', name: 'Ann, of ops' } },
        },
      },
      { line: 3, value: { label: 'late', entities: { flight: '7' }, value_number: 0.5, retracted: true } },
    ])
  })

  test('leaves what is no number for the schema to refuse, and counts lines across quoted breaks', async () => {
    expect(await read('b.csv', 'label,value_text,index\na,"two\nlines",x\nb,one,2\nc,short\nd,one,3\n')).toEqual([
      { line: 2, value: { label: 'a', value_text: 'two\nlines', index: 'x' } },
      { line: 4, value: { label: 'b', value_text: 'one', index: 2 } },
      { line: 5, problem: 'has another number of cells than the header' },
      { line: 6, value: { label: 'd', value_text: 'one', index: 3 } },
    ])
  })

  test('refuses a column that is no field, and a file that is not CSV', async () => {
    await expect(read('c.csv', 'label,origin\na,SFO\n')).rejects.toMatchObject({ code: 'invalid_request', path: 'origin' })
    await expect(read('d.csv', 'label\n"open')).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

// labels.parquet was written by pyarrow 26.0.1: zstd, two row groups, a struct, and times in milli- and microseconds.
test('Parquet gives structs, times, numbers and lists as JSON has them, without nulls', async () => {
  expect(await readAll(fileURLToPath(new URL('./fixtures/labels.parquet', import.meta.url)))).toEqual([
    {
      line: 1,
      value: {
        ...late,
        request_id: 'flight-1',
        index: 0,
        value_number: 1,
        event_time: '2001-06-04T12:00:00.000Z',
        tags: ['import', 'june'],
      },
    },
    { line: 2, value: { ...late, request_id: 'flight-2', value_number: 0, event_time: '2001-06-04T12:15:00.000Z', retracted: false } },
    {
      line: 3,
      value: {
        ...late,
        entities: { flight: '7' },
        anchor_time: '2001-06-04T11:00:00.000Z',
        value_number: 1,
        event_time: '2001-06-04T13:00:00.000Z',
        tags: [],
      },
    },
    {
      line: 4,
      value: {
        ...{ ...late, entities: { flight: '8', origin: 'SFO' }, anchor_time: '2001-06-04T11:30:00.000Z' },
        ...{ event_time: '2001-06-04T14:00:00.000Z', retracted: true },
      },
    },
  ])
})
const late = { label: 'arrived_late' }

test('refuses what it cannot read', async () => {
  await expect(openSource('labels.xlsx')).rejects.toMatchObject({ code: 'unsupported_media_type' })
  await expect(openSource(join(dir, 'none.csv'))).rejects.toMatchObject({ code: 'not_found' })
  const damaged = join(dir, 'damaged.parquet')
  await writeFile(damaged, 'PAR1')
  await expect(openSource(damaged)).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining(damaged) as string })
})
