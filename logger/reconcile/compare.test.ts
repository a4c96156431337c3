import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareSeals, holes, type SeqRange, type StoredSeal } from './compare.ts'

const stream = { writer_id: 'gateway-1', epoch: 1, lane: 'predictions' as const }
const sealAt = (seq: number, first: number): StoredSeal => ({
  ...stream,
  seq,
  first_seq: first,
  last_seq: seq - 1,
  count: seq - first,
  sealed_at: '2026-01-05T12:00:00Z',
  reason: 'hour',
})
const compare = (seals: StoredSeal[], ranges: SeqRange[], expired: SeqRange[] = []) =>
  compareSeals({ seals, streams: [{ ...stream, ranges, expired, rejected: [], hours: [] }] })

describe('against two hours of seals', () => {
  const seals = [sealAt(11, 1), sealAt(21, 12)]

  test('everything stored is no gap, and what comes after is an open tail', () => {
    const { gaps, open_tails, seals: checks } = compare(seals, [{ first_seq: 1, last_seq: 25 }])
    expect(gaps).toEqual([])
    expect(checks.map(({ expected, stored, missing }) => [expected, stored, missing])).toEqual([
      [10, 10, 0],
      [9, 9, 0],
    ])
    expect(open_tails).toEqual([{ ...stream, from_seq: 22, last_seq: 25, stored: 4, expired: 0, missing: 0 }])
  })

  test('names the first missing ranges and the seals that they break', () => {
    const { gaps, seals: checks } = compare(seals, [
      { first_seq: 1, last_seq: 3 },
      { first_seq: 5, last_seq: 11 },
      { first_seq: 15, last_seq: 21 },
    ])
    expect(gaps).toEqual([
      {
        ...stream,
        missing: 4,
        first_missing: [
          { first_seq: 4, last_seq: 4 },
          { first_seq: 12, last_seq: 14 },
        ],
      },
    ])
    expect(checks.map(({ missing }) => missing)).toEqual([1, 3])
  })

  test('a lost seal is a gap too', () => {
    const { gaps } = compare(
      [sealAt(21, 12)],
      [
        { first_seq: 1, last_seq: 10 },
        { first_seq: 12, last_seq: 21 },
      ],
    )
    expect(gaps).toMatchObject([{ missing: 1, first_missing: [{ first_seq: 11, last_seq: 11 }] }])
  })

  test('a hole in the open tail is counted apart and is no alarm', () => {
    const { gaps, open_tails } = compare(seals, [
      { first_seq: 1, last_seq: 21 },
      { first_seq: 24, last_seq: 25 },
    ])
    expect(gaps).toEqual([])
    expect(open_tails).toMatchObject([{ stored: 2, missing: 2 }])
  })

  test('a tail of an epoch that has ended is an alarm: its last seal is lost', () => {
    const stored = { ...stream, ranges: [{ first_seq: 1, last_seq: 25 }], expired: [], rejected: [], hours: [] }
    const next = { ...stored, epoch: 2, ranges: [{ first_seq: 1, last_seq: 3 }] }
    const { unsealed, open_tails } = compareSeals({ seals, streams: [stored, next] })
    expect(unsealed).toEqual([{ ...stream, from_seq: 22, last_seq: 25, stored: 4, expired: 0, missing: 0 }])
    expect(open_tails).toMatchObject([{ epoch: 2 }])
    const otherLane = { ...next, lane: 'labels' as const }
    expect(compareSeals({ seals, streams: [stored, otherLane] }).unsealed, 'its log may still be read').toEqual([])
    expect(compareSeals({ seals, streams: [stored, next], begun: seals }).unsealed, 'not known to have begun').toEqual([])
  })

  test('what was stored and is past its retention is expired; what was never stored is missing', () => {
    const { gaps, seals: checks } = compare(seals, [{ first_seq: 11, last_seq: 21 }], [{ first_seq: 1, last_seq: 7 }])
    expect(gaps).toEqual([{ ...stream, missing: 3, first_missing: [{ first_seq: 8, last_seq: 10 }] }])
    expect(checks).toMatchObject([
      { expected: 10, stored: 0, expired: 7, missing: 3 },
      { expected: 9, stored: 9, expired: 0, missing: 0 },
    ])
  })

  test('what is due to expire and is still there is stored', () => {
    const { gaps, seals: checks } = compare(seals, [{ first_seq: 5, last_seq: 21 }], [{ first_seq: 1, last_seq: 10 }])
    expect(gaps).toEqual([])
    expect(checks[0]).toMatchObject({ stored: 6, expired: 4, missing: 0 })
  })

  test('a seal that counts otherwise than its range is an alarm', () => {
    const { seals: checks } = compare([{ ...sealAt(11, 1), count: 12 }], [{ first_seq: 1, last_seq: 11 }])
    expect(checks).toMatchObject([{ expected: 12, stored: 10, missing: 2 }])
  })
})

test('holes are what a set difference says they are', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 40 })),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 40 }),
      (seqs, first, length) => {
        const within = { first_seq: first, last_seq: first + length - 1 }
        const expected = Array.from({ length }, (_, index) => first + index).filter((seq) => !seqs.includes(seq))
        expect(holes(within, toRanges(seqs)).flatMap(toSeqs)).toEqual(expected)
      },
    ),
  )
})

function toRanges(seqs: readonly number[]): SeqRange[] {
  return seqs
    .toSorted((a, b) => a - b)
    .reduce<SeqRange[]>((ranges, seq) => {
      const last = ranges.at(-1)
      if (last?.last_seq === seq - 1) last.last_seq = seq
      else ranges.push({ first_seq: seq, last_seq: seq })
      return ranges
    }, [])
}

function toSeqs({ first_seq, last_seq }: SeqRange): number[] {
  return Array.from({ length: last_seq - first_seq + 1 }, (_, index) => first_seq + index)
}
