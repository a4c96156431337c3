import { describe, expect, test } from 'vitest'
import type { PairedRow } from './paired-row.ts'
import { afterDays, pairedRows, testSetup } from './testing/paired-rows.ts'
import { judge } from './verdict.ts'
import { verdictText } from './verdict-text.ts'

const days = 40
const judged = (rows: readonly PairedRow[], setup = testSetup()) => judge(setup, rows, afterDays(days))
const rowsWith = (change: (row: PairedRow, random: () => number) => PairedRow) => pairedRows({ days, change })

describe('a verdict on', () => {
  test('nothing: no block', () => {
    const verdict = judged([])
    expect(verdict).toMatchObject({ decision: 'not_yet', reasons: ['no_block'], difference: {}, rows: 0, strata: [] })
    expect(verdictText(testSetup(), verdict)).toContain('needed: at least 7 blocks')
  })

  test('two versions that say the same: no variance', () => {
    const verdict = judged(rowsWith((row) => ({ ...row, champion: row.challenger })))
    expect(verdict).toMatchObject({ decision: 'not_yet', reasons: ['no_variance'], difference: { estimate: 0 } })
    expect(verdict.difference).not.toHaveProperty('lower')
  })

  test('a difference that is the same in each decision: no variance, in spite of rounding', () => {
    const verdict = judged(rowsWith((row) => ({ ...row, champion: 0.1, challenger: 0.3, outcome: 0 })))
    expect(verdict).toMatchObject({ decision: 'not_yet', reasons: ['no_variance'], difference: { estimate: expect.closeTo(0.08, 12) } })
  })

  test('one entity: no block ever has enough', () => {
    expect(judged(rowsWith((row) => ({ ...row, entities: { airport: 'SFO' } })))).toMatchObject({ reasons: ['no_block'], waiting: 8000 })
  })

  test('one day: too few blocks', () => {
    const rows = pairedRows({ days: 1, perDay: 10_000 })
    expect(judged(rows)).toMatchObject({ decision: 'not_yet', reasons: ['too_few_blocks'], blocks: 1 })
  })

  test('a role of few entities beside one of many: too few clusters', () => {
    const rows = rowsWith((row, random) => ({ ...row, entities: { ...row.entities, carrier: `C${Math.floor(random() * 12)}` } }))
    const verdict = judged(rows, testSetup({ entities: ['airport', 'carrier'] }))
    expect(verdict).toMatchObject({ decision: 'not_yet', reasons: ['too_few_clusters'], clusters: { airport: 100, carrier: 12 } })
  })

  test('one entity with most decisions: unbalanced clusters', () => {
    const verdict = judged(rowsWith((row, random) => (random() < 0.6 ? { ...row, entities: { airport: 'SFO' } } : row)))
    expect(verdict).toMatchObject({ decision: 'not_yet', reasons: ['unbalanced_clusters'] })
    expect(verdict.effective_clusters['airport']).toBeLessThan(3)
  })

  test('no shadow answers at all: no difference, and all is possible', () => {
    const verdict = judged(rowsWith(({ challenger: _, ...row }) => row))
    expect(verdict).toMatchObject({ decision: 'not_yet', reasons: ['no_block'], difference: {}, missing_answers: 8000, rows: 8000 })
    expect(verdict.missing_against.estimate! - verdict.missing_for.estimate!).toBeCloseTo(1, 12)
  })

  test('a dead feed of labels: the same', () => {
    const verdict = judged(rowsWith(({ outcome: _, ...row }) => row))
    expect(verdict).toMatchObject({ decision: 'not_yet', reasons: ['no_block'], missing_labels: 8000 })
  })

  test('a feed of labels that dies halfway: what is missing could turn it', () => {
    const rows = rowsWith((row) => (row.anchorMs < afterDays(20) ? row : { ...row, outcome: undefined }))
    expect(judged(rows)).toMatchObject({ decision: 'not_yet', reasons: ['depends_on_missing_labels'], blocks: 10, missing_labels: 4000 })
  })

  test('scores that are percentages, NaN or infinite: answers that are missing', () => {
    const rows = rowsWith((row, random) => ({ ...row, challenger: [row.challenger! * 100, NaN, Infinity][Math.floor(random() * 3)] }))
    expect(judged(rows)).toMatchObject({ decision: 'not_yet', missing_answers: 8000 })
  })

  test('each decision delivered twice: once', () => {
    const rows = pairedRows({ days })
    const { left_out: leftOut, ...verdict } = judged([...rows, ...rows.toReversed()])
    expect(leftOut.repeated).toBe(rows.length)
    expect(verdict).toEqual({ ...judged(rows), left_out: undefined })
  })

  test('the same question asked five times under other ids: no surer than once', () => {
    const rows = pairedRows({ days, perDay: 200, blur: 0.1 })
    const ofOwn = rows.map((row) => ({ ...row, entities: { airport: row.decisionId } }))
    const asked = ofOwn.flatMap((row) => Array.from({ length: 5 }, (_, again) => ({ ...row, decisionId: `${row.decisionId} ${again}` })))
    const [once, often] = [judged(ofOwn), judged(asked)]
    expect(often.difference.lower).toBeCloseTo(once.difference.lower!, 12)
    expect(often.difference.upper).toBeCloseTo(once.difference.upper!, 12)
  })

  test('rows in any order: the same', () => {
    const rows = pairedRows({ days })
    const shuffled = rows.toSorted((a, b) => (a.decisionId < b.decisionId ? -1 : 1))
    expect(judged(shuffled).difference.estimate).toBeCloseTo(judged(rows).difference.estimate!, 12)
  })

  test('times that are none: left out', () => {
    const rows = rowsWith((row, random) => (random() < 0.1 ? { ...row, enteredAtMs: NaN } : row))
    const verdict = judged(rows)
    expect(verdict.decision).toBe('better')
    expect(verdict.left_out.no_time + verdict.rows).toBe(8000)
  })

  test('an outcome that is neither 0 nor 1: refused', () => {
    const rows = pairedRows({ days: 1 }).map((row) => ({ ...row, outcome: 0.5 }))
    expect(() => judged(rows)).toThrow(expect.objectContaining({ code: 'out_of_range' }))
  })

  test('amounts with outliers: no row weighs more than the declared bounds allow', () => {
    const rows = rowsWith((row, random) => ({
      ...row,
      outcome: random() < 0.001 ? 1e9 : 50,
      champion: 60,
      challenger: 50 + 4 * random(),
    }))
    const verdict = judged(rows, testSetup({ loss: { kind: 'squared_error', min: 0, max: 100 } }))
    expect(verdict.decision).toBe('better')
    expect(Math.abs(verdict.difference.estimate!)).toBeLessThan(100)
  })

  test('a version that is sure and wrong: log loss is bounded by epsilon', () => {
    const rows = rowsWith((row, random) => ({ ...row, challenger: random() < 0.1 ? 1 - row.outcome! : row.challenger }))
    const verdict = judged(rows, testSetup({ loss: { kind: 'log_loss', epsilon: 0.001 } }))
    expect(Math.abs(verdict.difference.estimate!)).toBeLessThan(-Math.log(0.001))
    expect(Number.isFinite(verdict.difference.upper)).toBe(true)
  })
})
