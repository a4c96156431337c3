import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toDeliveredRows } from './delivered-rows.ts'

const at = (seq: number, retentionUntil?: string, lane: 'predictions' | 'labels' = 'predictions') => ({
  origin: { writer_id: 'gateway-1', epoch: 1, lane, seq },
  retentionUntil,
})

test('one run per stretch without gaps, lane and hour of expiry', () => {
  const rows = toDeliveredRows([
    at(3, '2026-01-05T12:59:59.999Z'),
    at(1, undefined, 'labels'),
    at(1, '2026-01-05T12:00:00.000Z'),
    at(2, '2026-01-05T12:30:00.000Z'),
    at(2, '2026-01-05T12:30:00.000Z'),
    at(4, '2026-01-05T13:00:00.000Z'),
    at(6),
  ])
  const stream = { writer_id: 'gateway-1', epoch: 1, lane: 'predictions' }
  expect(rows).toEqual([
    { ...stream, lane: 'labels', first_seq: 1, last_seq: 1, expires_at: null },
    { ...stream, first_seq: 1, last_seq: 3, expires_at: '2026-01-05 12:00:00.000' },
    { ...stream, first_seq: 4, last_seq: 4, expires_at: '2026-01-05 13:00:00.000' },
    { ...stream, first_seq: 6, last_seq: 6, expires_at: null },
  ])
})

test('the runs of any batch cover exactly its records, each with its own expiry', () => {
  const record = fc.record({ seq: fc.integer({ min: 1, max: 30 }), day: fc.integer({ min: 1, max: 2 }) })
  fc.assert(
    fc.property(fc.uniqueArray(record, { selector: ({ seq }) => seq }), (records) => {
      const rows = toDeliveredRows(records.map(({ seq, day }) => at(seq, `2026-01-0${day}T00:00:00.000Z`)))
      const covered = rows.flatMap(({ first_seq, last_seq, expires_at }) =>
        Array.from({ length: last_seq - first_seq + 1 }, (_, index) => ({ seq: first_seq + index, day: Number(expires_at?.slice(9, 10)) })),
      )
      expect(covered).toEqual(records.toSorted((a, b) => a.seq - b.seq))
    }),
  )
})
