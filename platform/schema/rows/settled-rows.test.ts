import { expect, it } from 'vitest'
import { toSettledRows } from './settled-rows.ts'

const said = (settledThrough: number | undefined, at: { writer_id?: string; epoch?: number; seq?: number } = {}) => ({
  origin: { writer_id: 'gateway-1', epoch: 1, lane: 'predictions' as const, seq: 1, ...at },
  ...(settledThrough !== undefined && { settledThrough }),
})

it('keeps the greatest per writer, epoch and lane', () => {
  const rows = toSettledRows([said(4, { seq: 6 }), said(2, { seq: 5 }), said(9, { epoch: 2 }), said(7, { writer_id: 'other' })])
  expect(rows).toEqual([
    { writer_id: 'gateway-1', epoch: 1, lane: 'predictions', settled_through: 4 },
    { writer_id: 'gateway-1', epoch: 2, lane: 'predictions', settled_through: 9 },
    { writer_id: 'other', epoch: 1, lane: 'predictions', settled_through: 7 },
  ])
})

it('has no row for what says nothing', () => {
  expect(toSettledRows([said(undefined), said(0)])).toEqual([])
})
