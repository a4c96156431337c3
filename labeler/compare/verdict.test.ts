import { describe, expect, test } from 'vitest'
import { levelOf, setupHash } from './comparison-setup.ts'
import type { PairedRow } from './paired-row.ts'
import { afterDays, pairedRows, startMs, testSetup } from './testing/paired-rows.ts'
import { judge } from './verdict.ts'
import { verdictText } from './verdict-text.ts'

const setup = testSetup()
const swap = (row: PairedRow): PairedRow => ({ ...row, champion: row.challenger, challenger: row.champion })
const withoutLabel = (row: PairedRow): PairedRow => ({ ...row, outcome: undefined })

describe('judge', () => {
  test('calls better what loses less, worse what loses more', () => {
    const rows = pairedRows({ days: 20 })
    const verdict = judge(setup, rows, afterDays(20))
    expect(verdict).toMatchObject({ decision: 'better', reasons: [], blocks: 10, rows: 4000, clusters: { airport: 100 } })
    // The champion's Brier score is higher by the square of its error, 0.3² .
    expect(verdict.difference.estimate).toBeCloseTo(-0.09, 1)
    const reversed = judge(setup, rows.map(swap), afterDays(20))
    expect(reversed.decision).toBe('worse')
    expect(reversed.difference.lower).toBeCloseTo(-verdict.difference.upper!, 12)
  })

  test('calls nothing before seven blocks are over, and says when that will be', () => {
    const rows = pairedRows({ days: 20 })
    const early = judge(setup, rows, afterDays(13.9))
    expect(early).toMatchObject({ decision: 'not_yet', reasons: ['too_few_blocks'], blocks: 6, waiting: 381 })
    expect(early.more_needed).toEqual({ blocks: 1, days: 2, rows: 400, at: new Date(afterDays(14)).toISOString() })
    expect(judge(setup, rows, afterDays(14)).decision).toBe('better')
  })

  test('calls no difference only over what was declared', () => {
    const rows = pairedRows({ days: 40, blur: 0.01 })
    expect(judge(setup, rows, afterDays(40))).toMatchObject({ decision: 'not_yet', reasons: ['undecided'] })
    expect(judge(testSetup({ no_difference_over: 0.01 }), rows, afterDays(40)).decision).toBe('no_difference')
    expect(judge(testSetup({ no_difference_over: 0.00001 }), rows, afterDays(40)).decision).toBe('not_yet')
  })

  test('foretells how much more it takes, and calls it then where days stay alike', () => {
    const rows = pairedRows({ days: 200, blur: 0.04, seed: 4 })
    const early = judge(setup, rows, afterDays(16))
    expect(early.reasons).toEqual(['undecided'])
    const needed = early.more_needed!
    expect(needed.blocks).toBeGreaterThan(1)
    expect(Date.parse(needed.at)).toBe(afterDays(16 + 2 * needed.blocks))
    const called = Array.from({ length: 92 }, (_, index) => 16 + 2 * index).find(
      (day) => judge(setup, rows, afterDays(day)).decision !== 'not_yet',
    )
    expect(called).toBeGreaterThan(16)
  })

  test('leaves closed blocks as they were, whatever comes later', () => {
    const rows = pairedRows({ days: 20 })
    const late = pairedRows({ days: 20, seed: 2, change: (row) => ({ ...row, decisionId: `late ${row.decisionId}` }) })
    const before = judge(setup, rows, afterDays(16))
    const delivered = late.map((row) => ({ ...row, enteredAtMs: afterDays(16) + 1 + row.enteredAtMs - startMs }))
    const corrected = rows.map((row) => ({ ...row, outcome: 1, enteredAtMs: afterDays(18) }))
    expect(judge(setup, [...rows, ...delivered, ...corrected], afterDays(16))).toEqual({
      ...before,
      left_out: { ...before.left_out, repeated: rows.length },
    })
  })

  test('joins a block of under 30 entities to the next', () => {
    const rows = pairedRows({ days: 20, perDay: 10 })
    // 20 decisions in two days have at most 20 entities; 40 have 30 at least.
    const verdict = judge(setup, rows, afterDays(20))
    expect(verdict.blocks).toBeLessThanOrEqual(5)
    expect(verdict.rows + verdict.waiting).toBe(200)
  })

  test('depends on missing labels where they could turn it', () => {
    const some = pairedRows({ days: 40, change: (row, random) => (random() < 0.05 ? withoutLabel(row) : row) })
    expect(judge(setup, some, afterDays(40))).toMatchObject({ decision: 'better', missing_labels: expect.any(Number) })
    const many = pairedRows({ days: 40, change: (row, random) => (random() < 0.5 ? withoutLabel(row) : row) })
    const verdict = judge(setup, many, afterDays(40))
    expect(verdict).toMatchObject({ decision: 'not_yet', reasons: ['depends_on_missing_labels'] })
    expect(verdict.missing_for.estimate).toBeLessThan(verdict.difference.estimate!)
    expect(verdict.missing_against.estimate).toBeGreaterThan(0)
    expect(verdictText(setup, verdict)).toContain('depends on missing labels')
  })

  test('bounds an answer that is missing by a loss from 0 to the most', () => {
    const rows = pairedRows({ days: 40, change: (row, random) => (random() < 0.2 ? { ...row, challenger: undefined } : row) })
    const verdict = judge(setup, rows, afterDays(40))
    expect(verdict).toMatchObject({ decision: 'not_yet', reasons: ['depends_on_missing_labels'], missing_labels: 0 })
    const missing = verdict.missing_answers / verdict.rows
    expect(verdict.missing_against.estimate! - verdict.missing_for.estimate!).toBeCloseTo(missing, 12)
  })

  test('holds labelled decisions to the scores of all matured ones', () => {
    // The challenger is better where it is labelled, at low scores, and worse at high scores, where few labels come.
    const rows = pairedRows({
      days: 40,
      change: (row, random) => {
        const high = row.challenger! > 0.46
        const turned = high ? swap(row) : row
        return high && random() < 0.9 ? withoutLabel(turned) : turned
      },
    })
    const verdict = judge(setup, rows, afterDays(40))
    expect(verdict.difference.upper).toBeLessThan(0)
    expect(verdict.decision).toBe('not_yet')
    expect(verdict.reasons).toContain('not_post_stratified')
    expect(verdict.post_stratified.estimate).toBeGreaterThan(verdict.difference.estimate! / 2)
  })

  test('says that a call is for these days only where blocks resemble the one before', () => {
    const drifting = pairedRows({ days: 40 }).map((row) => {
      const turn = Math.sin((row.anchorMs - startMs) / (afterDays(10) - startMs))
      return { ...row, champion: row.challenger! + (0.2 + 0.1 * turn) * Math.sign(row.champion! - row.challenger!) }
    })
    const verdict = judge(setup, drifting, afterDays(40))
    expect(verdict).toMatchObject({ decision: 'better', caveats: ['these_days_only'] })
    expect(verdictText(setup, verdict)).toMatch(/^better: .*, for these days only\n/)
    expect(judge(setup, pairedRows({ days: 40 }), afterDays(40)).caveats).toEqual([])
  })

  test('shows each stratum by itself', () => {
    const rows = pairedRows({ days: 40 }).map((row) => ({ ...row, stratum: row.anchorMs < afterDays(20) ? 'revision 1' : 'revision 2' }))
    const { strata, difference } = judge(setup, rows, afterDays(40))
    expect(strata).toMatchObject([
      { stratum: 'revision 1', rows: 4000, blocks: 10 },
      { stratum: 'revision 2', rows: 4000, blocks: 10 },
    ])
    expect((strata[0]!.estimate! + strata[1]!.estimate!) / 2).toBeCloseTo(difference.estimate!, 12)
  })

  test('leaves out replays, what either version was trained on, what came before the start, and excluded tags', () => {
    const rows = pairedRows({ days: 20 }).map((row, index) => ({
      ...row,
      replayed: index % 10 === 0,
      tags: index % 10 === 1 ? ['load_test'] : [],
      anchorMs: index % 10 === 2 ? startMs - 1 : row.anchorMs,
    }))
    const declared = testSetup({ excluded_tags: ['load_test'], trained_until: new Date(afterDays(1)).toISOString() })
    const { left_out: leftOut, rows: judged } = judge(declared, [...rows, ...rows.slice(-10)], afterDays(20))
    expect(leftOut).toEqual({ replayed: 401, excluded_tag: 381, trained_on: 561, before_start: 0, no_time: 0, repeated: 7 })
    expect(judged).toBe(4000 - 400 - 380 - 560)
  })
})

describe('a set-up', () => {
  test('has another hash in any part', () => {
    const hashes = [
      testSetup(),
      testSetup({ block_days: 3 }),
      testSetup({ loss: { kind: 'log_loss', epsilon: 0.01 } }),
      testSetup({ loss: { kind: 'log_loss', epsilon: 0.02 } }),
      testSetup({ no_difference_over: 0.1 }),
      testSetup({ excluded_tags: ['x'] }),
    ].map(setupHash)
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  test('gives the k-th comparison a level that all together never exceed', () => {
    const levels = Array.from({ length: 10_000 }, (_, index) => levelOf({ level: 0.05, comparison: index + 1 }))
    expect(levels.slice(0, 2)).toEqual([0.025, 0.05 / 6])
    expect(levels.reduce((total, level) => total + level, 0)).toBeLessThan(0.05)
  })

  test.each([
    [{ block_days: 0 }],
    [{ challenger: '1' }],
    [{ comparison: 0 }],
    [{ level: 1 }],
    [{ no_difference_over: 0 }],
    [{ loss: { kind: 'log_loss', epsilon: 0 } as const }],
    [{ loss: { kind: 'squared_error', min: 1, max: 1 } as const }],
    [{ started_at: 'Monday' }],
  ])('is refused with %j', (fields) => {
    expect(() => judge(testSetup(fields), [], startMs)).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })
})
