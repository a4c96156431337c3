import { expect, test, vi } from 'vitest'
import { ServiceError } from '../contracts/errors.ts'
import { WarehouseQueryError } from '../platform/warehouse/warehouse.ts'
import { predictionEvent, toRecord } from './testing/records.ts'
import { writeBatch } from './write-batch.ts'

type Insert = (table: string, rows: readonly object[]) => Promise<void>

function harness(judge: (table: string, rows: readonly Record<string, unknown>[], call: number) => Error | undefined) {
  const tables = new Map<string, object[]>()
  let calls = 0
  const insert = vi.fn<Insert>(async (table, rows) => {
    const error = judge(table, rows as Record<string, unknown>[], ++calls)
    if (error) throw error
    tables.set(table, [...(tables.get(table) ?? []), ...rows])
  })
  const pauses: number[] = []
  const deps = { warehouse: { insert }, pause: async (ms: number) => void pauses.push(ms), givenUp: () => false }
  return { deps, insert, pauses, rows: (table: string) => (tables.get(table) ?? []) as Record<string, unknown>[] }
}

const records = Array.from({ length: 9 }, (_, n) => toRecord(predictionEvent(n + 1), { seq: n + 1 }))
const unavailable = () => new ServiceError('warehouse_unavailable', 'connection refused')
const badValue = () => new WarehouseQueryError('cannot parse', { type: 'CANNOT_PARSE_TEXT', exceptionCode: '6' })
const unknownFault = () => new WarehouseQueryError('odd', { type: 'LOGICAL_ERROR', exceptionCode: '49' })

test('retries with growing pauses until the warehouse answers, and settles everything once', async () => {
  const { deps, pauses, rows } = harness((_table, _rows, call) => (call <= 3 ? unavailable() : undefined))
  const result = await writeBatch(records, deps)
  expect(result).toMatchObject({ outcomes: { ok: 9, dead: 0, retry: 0, drop: 0 }, rejects: {} })
  expect(result.settled).toEqual(records)
  expect(pauses).toEqual([250, 500, 1000])
  expect(rows('bronze.prediction_events')).toHaveLength(9)
  expect(rows('bronze.prediction_payloads')).toHaveLength(9)
})

test('a table that took its rows is not sent them again when another fails', async () => {
  const { deps, rows } = harness((table, _rows, call) => (table === 'bronze.prediction_events' && call < 4 ? unavailable() : undefined))
  await writeBatch(records, deps)
  expect(rows('bronze.prediction_payloads')).toHaveLength(9)
})

test('gives up without settling anything when told to', async () => {
  const { deps } = harness(() => unavailable())
  const result = await writeBatch(records, { ...deps, givenUp: () => true })
  expect(result.settled).toEqual([])
  expect(result.outcomes).toEqual({ ok: 0, dead: 0, drop: 0, retry: 9 })
})

test('one bad row goes to rejects and holds back no other', async () => {
  const isBad = (row: Record<string, unknown>) => row['prediction_id'] === predictionEvent(4).prediction_id
  const { deps, rows } = harness((table, batch) => (table === 'bronze.prediction_events' && batch.some(isBad) ? badValue() : undefined))
  const result = await writeBatch(records, deps)
  expect(result).toMatchObject({ outcomes: { ok: 8, dead: 1 }, rejects: { invalid_event: 1 } })
  expect(result.settled).toHaveLength(9)
  expect(rows('bronze.prediction_events')).toHaveLength(8)
  expect(rows('bronze.rejects')).toMatchObject([{ seq: 4, code: 'invalid_event', raw: JSON.stringify(predictionEvent(4)) }])
})

test('a fault that no row explains is retried, not blamed on the rows', async () => {
  const { deps, pauses, rows } = harness((_table, _rows, call) => (call <= 40 ? unknownFault() : undefined))
  const result = await writeBatch(records, deps)
  expect(result.outcomes).toMatchObject({ ok: 9, dead: 0 })
  expect(rows('bronze.rejects')).toEqual([])
  expect(pauses.length).toBeGreaterThan(5)
})

test('an unknown fault that follows one row is in the end that row’s', async () => {
  const isBad = (row: Record<string, unknown>) => row['prediction_id'] === predictionEvent(4).prediction_id
  const { deps, pauses } = harness((table, batch) =>
    table === 'bronze.prediction_events' && batch.some(isBad) ? unknownFault() : undefined,
  )
  expect(await writeBatch(records, deps)).toMatchObject({ outcomes: { ok: 8, dead: 1 } })
  expect(pauses).toHaveLength(4)
})

test('rejects that cannot be stored hold the batch back', async () => {
  const { deps, pauses } = harness((table, _rows, call) => (table === 'bronze.rejects' && call < 4 ? badValue() : undefined))
  const result = await writeBatch([toRecord('no json')], deps)
  expect(result).toMatchObject({ outcomes: { dead: 1 }, rejects: { invalid_json: 1 } })
  expect(pauses.length).toBeGreaterThan(0)
})
