import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDeliveredRecords } from './delivered-records.ts'

const at = (epoch: number, seq: number) => ({ position: { epoch, segment: 1, offset: seq * 10, seq }, bytes: 30, appendedAtMs: 0 })

describe('createDeliveredRecords', () => {
  it('reaches exactly up to the first record that is not confirmed, in whatever order confirmations come', () => {
    const plan = fc
      .integer({ min: 1, max: 60 })
      .chain((count) =>
        fc.record({ count: fc.constant(count), order: fc.shuffledSubarray(Array.from({ length: count }, (_, index) => index)) }),
      )
    fc.assert(
      fc.property(plan, ({ count, order }) => {
        // Two epochs, and numbers with gaps, as damage leaves them.
        const all = Array.from({ length: count }, (_, index) => at(index < count / 2 ? 1 : 2, 1 + index * 2))
        const delivered = createDeliveredRecords(undefined)
        for (const record of all) delivered.add(record)
        const confirmed = new Set<number>()
        for (const index of order) {
          const { epoch, seq } = (all[index] as ReturnType<typeof at>).position
          delivered.confirm(epoch, seq)
          confirmed.add(index)
          const reached = all.findIndex((_, candidate) => !confirmed.has(candidate))
          expect(delivered.confirmedThrough()).toEqual(all[(reached < 0 ? count : reached) - 1]?.position)
          expect(delivered.oldestUnconfirmed()?.position).toEqual(reached < 0 ? undefined : all[reached]?.position)
        }
      }),
    )
  })

  it('stays right over more records than it keeps at once', () => {
    const delivered = createDeliveredRecords(undefined)
    for (let seq = 1; seq <= 20_000; seq += 1) {
      delivered.add(at(1, seq))
      if (seq > 100) delivered.confirm(1, seq - 100)
    }
    expect(delivered.confirmedThrough()?.seq).toBe(19_900)
    delivered.confirm(1, 20_000)
    expect(delivered.oldestUnconfirmed()?.position.seq).toBe(19_901)
  })

  it('takes a second confirmation, and refuses one of a record it never saw', () => {
    const delivered = createDeliveredRecords({ epoch: 1, segment: 1, offset: 50, seq: 5 })
    delivered.add(at(1, 6))
    delivered.confirm(1, 5)
    delivered.confirm(1, 6)
    delivered.confirm(1, 6)
    expect(() => delivered.confirm(1, 7)).toThrow(expect.objectContaining({ code: 'internal' }))
  })
})
