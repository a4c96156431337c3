import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import { WarehouseQueryError } from '../../platform/warehouse/warehouse.ts'
import { predictionEvent, sealOf, toRecord } from '../testing/records.ts'
import { rowsSent } from '../testing/rows-sent.ts'
import { writeBatch } from '../testing/write-batch.ts'

type Insert = (table: string, rows: readonly object[] | Uint8Array) => Promise<void>
type Row = Record<string, unknown>

function harness(judge: (table: string, rows: readonly Row[], call: number) => Error | undefined) {
  const tables = new Map<string, Row[]>()
  let calls = 0
  const insert = vi.fn<Insert>(async (table, sent) => {
    const rows = rowsSent(sent) as Row[]
    const error = judge(table, rows, ++calls)
    if (error) throw error
    tables.set(table, [...(tables.get(table) ?? []), ...rows])
  })
  const pauses: number[] = []
  const deps = { warehouse: { insert }, pause: async (ms: number) => void pauses.push(ms), givenUp: () => false }
  return { deps, insert, pauses, rows: (table: string) => tables.get(table) ?? [] }
}

const records = Array.from({ length: 9 }, (_, n) => toRecord(predictionEvent(n + 1), { seq: n + 1 }))
const unavailable = () => new ServiceError('warehouse_unavailable', 'connection refused')
const badValue = () => new WarehouseQueryError('cannot parse', { reason: 'bad_row', type: 'CANNOT_PARSE_TEXT', exceptionCode: '6' })
const unknownFault = () => new WarehouseQueryError('odd', { reason: 'other', type: 'LOGICAL_ERROR', exceptionCode: '49' })

test('retries with growing pauses until the warehouse answers, and settles everything once', async () => {
  const { deps, pauses, rows } = harness((_table, _rows, call) => (call <= 3 ? unavailable() : undefined))
  const result = await writeBatch(records, deps)
  expect(result).toMatchObject({ dispositions: { ok: 9, dead: 0, retry: 0, drop: 0 }, rejects: {} })
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
  expect(result.dispositions).toEqual({ ok: 0, dead: 0, drop: 0, retry: 9 })
})

test('one bad row goes to rejects and holds back no other', async () => {
  const isBad = (row: Row) => row['prediction_id'] === predictionEvent(4).prediction_id
  const { deps, rows } = harness((table, batch) => (table === 'bronze.prediction_events' && batch.some(isBad) ? badValue() : undefined))
  const result = await writeBatch(records, deps)
  expect(result).toMatchObject({ dispositions: { ok: 8, dead: 1 }, rejects: { invalid_event: 1 } })
  expect(result.settled).toHaveLength(9)
  expect(rows('bronze.prediction_events')).toHaveLength(8)
  expect(rows('bronze.rejects')).toMatchObject([{ seq: 4, code: 'invalid_event', raw: JSON.stringify(predictionEvent(4)) }])
})

test('a fault that no row explains is retried, not blamed on the rows', async () => {
  const { deps, pauses, rows } = harness((_table, _rows, call) => (call <= 40 ? unknownFault() : undefined))
  const result = await writeBatch(records, deps)
  expect(result.dispositions).toMatchObject({ ok: 9, dead: 0 })
  expect(rows('bronze.rejects')).toEqual([])
  expect(pauses.length).toBeGreaterThan(5)
})

test('an unknown fault that follows one row is in the end that row’s', async () => {
  const isBad = (row: Row) => row['prediction_id'] === predictionEvent(4).prediction_id
  const { deps, pauses } = harness((table, batch) =>
    table === 'bronze.prediction_events' && batch.some(isBad) ? unknownFault() : undefined,
  )
  expect(await writeBatch(records, deps)).toMatchObject({ dispositions: { ok: 8, dead: 1 } })
  expect(pauses).toHaveLength(4)
})

test('rejects that cannot be stored hold the batch back', async () => {
  const { deps, pauses } = harness((table, _rows, call) => (table === 'bronze.rejects' && call < 4 ? badValue() : undefined))
  const result = await writeBatch([toRecord('no json')], deps)
  expect(result).toMatchObject({ dispositions: { dead: 1 }, rejects: { invalid_json: 1 } })
  expect(pauses.length).toBeGreaterThan(0)
})

test('a row that only a later table refuses goes to rejects once, and holds back no other', async () => {
  const isBad = (row: Row) => row['seq'] === 4
  const { deps, rows } = harness((table, batch) => {
    if (table === 'bronze.prediction_payloads' && batch.some((row) => row['seq'] === 2)) return badValue()
    return table === 'bronze.prediction_events' && batch.some(isBad) ? badValue() : undefined
  })
  const result = await writeBatch(records, deps)
  expect(result).toMatchObject({ dispositions: { ok: 7, dead: 2 }, rejects: { invalid_event: 2 } })
  expect(rows('bronze.prediction_events').map(({ seq }) => seq)).toEqual([1, 3, 5, 6, 7, 8, 9])
  expect(rows('bronze.rejects').map(({ seq }) => seq)).toEqual([2, 4])
  expect(rows('bronze.delivered')).toMatchObject([
    { first_seq: 1, last_seq: 1 },
    { first_seq: 2, last_seq: 2, expires_at: null },
    { first_seq: 3, last_seq: 3 },
    { first_seq: 4, last_seq: 4, expires_at: null },
    { first_seq: 5, last_seq: 9 },
  ])
})

test('a seal that the warehouse refuses is kept in rejects, though rejects come before seals', async () => {
  const seal = toRecord(sealOf(1, 9), { kind: 'seal', seq: 10 })
  const { deps, rows } = harness((table) => (table === 'bronze.seals' ? badValue() : undefined))
  const result = await writeBatch([...records, toRecord('no json', { seq: 11 }), seal], deps)
  expect(result).toMatchObject({ dispositions: { ok: 9, dead: 2 } })
  expect(rows('bronze.rejects').map(({ seq, code }) => [seq, code])).toEqual([
    [11, 'invalid_json'],
    [10, 'invalid_event'],
  ])
})

test('a fault between two halves is retried, not blamed on the row that met it', async () => {
  const isBad = (row: Row) => row['seq'] === 4
  let full = true
  const { deps, rows } = harness((table, batch) => {
    if (table !== 'bronze.prediction_events') return undefined
    if (batch.length === 1 && batch[0]!['seq'] === 1 && full) {
      full = false
      return new WarehouseQueryError('memory limit', { reason: 'other', type: 'MEMORY_LIMIT_EXCEEDED', exceptionCode: '241' })
    }
    return batch.some((row) => isBad(row) || (full && row['seq'] === 1)) ? badValue() : undefined
  })
  expect(await writeBatch(records, deps)).toMatchObject({ dispositions: { ok: 8, dead: 1 } })
  expect(rows('bronze.rejects')).toMatchObject([{ seq: 4 }])
})

test('rows that an attempt has stored in rejects are not sent again by the next', async () => {
  const { deps, insert } = harness((table, _rows, call) => (table === 'bronze.seals' && call < 6 ? unavailable() : undefined))
  await writeBatch([toRecord('no json'), toRecord(sealOf(1, 1), { kind: 'seal', seq: 2 })], deps)
  expect(insert.mock.calls.filter(([table]) => table === 'bronze.rejects')).toHaveLength(1)
})

test('whatever rows each table refuses, a record is stored as an event or as a reject, never both and never neither', async () => {
  const seqs = fc.uniqueArray(fc.integer({ min: 1, max: 9 }))
  await fc.assert(
    fc.asyncProperty(seqs, seqs, fc.nat(12), async (badPayloads, badEvents, failedCall) => {
      const bad: Record<string, number[]> = { 'bronze.prediction_payloads': badPayloads, 'bronze.prediction_events': badEvents }
      const { deps, rows } = harness((table, batch, call) => {
        if (call === failedCall) return unavailable()
        return batch.some(({ seq }) => bad[table]?.includes(seq as number)) ? badValue() : undefined
      })
      const result = await writeBatch(records, deps)
      const refused = [...new Set([...badPayloads, ...badEvents])].toSorted((a, b) => a - b)
      const seqsIn = (table: string) => [...new Set(rows(table).map(({ seq }) => seq as number))].toSorted((a, b) => a - b)
      expect(seqsIn('bronze.rejects')).toEqual(refused)
      expect(rows('bronze.rejects')).toHaveLength(refused.length)
      expect(seqsIn('bronze.prediction_events')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].filter((seq) => !refused.includes(seq)))
      expect(result).toMatchObject({ dispositions: { dead: refused.length, ok: 9 - refused.length } })
    }),
    { numRuns: 60 },
  )
})
