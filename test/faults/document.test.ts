import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { mergeRows, parseCsv, toCsv, toDocument, toRows } from './document.ts'
import { emptyResult, type RunResult } from './result.ts'
import { allFaults } from './rows/all.ts'

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')

describe('docs/faults.md', () => {
  test('is what docs/faults.csv says, every fault once', () => {
    const rows = parseCsv(read('faults.csv'))
    expect(toDocument(rows, allFaults)).toBe(read('faults.md'))
    expect(toCsv(mergeRows(rows, allFaults))).toBe(read('faults.csv'))
  })

  test('has the later of two runs of a fault in a set-up, and no fault that could not be run', () => {
    const ofKill = { ...emptyResult({ fault: 'logger-kill', does: 'ends it', set_up: 'embedded', seed: 7 }), rounds: 2, lost: 1 }
    const run: RunResult = { seed: 7, started_at: '2026-01-02T03:04:05Z', node: 'v20.19.0', budget_ms: 250, results: [ofKill] }
    const skipped = { ...ofKill, fault: 'nats-kill', skipped: 'no nats-server' }
    const later = { ...run, seed: 8, results: [{ ...ofKill, seed: 8, lost: 0, p99_ms: 12.4 }, skipped] }
    const rows = mergeRows([...toRows(run), ...toRows(later)], allFaults)
    expect(rows).toMatchObject([{ fault: 'logger-kill', rounds: '2', lost: '0', p99_ms: '12', seed: '8', nats_server: '' }])
    expect(parseCsv(toCsv(rows))).toEqual(rows)
    expect(toDocument(rows, allFaults)).toContain(
      '| `logger-kill` | logger SIGKILL at any moment | G1 to G4, G6 | 2 embedded | 0 / 0 / 0 |',
    )
  })

  test('is not written of a run that broke off', () => {
    const broken = { ...emptyResult({ fault: 'logger-kill', does: 'ends it', set_up: 'embedded', seed: 7 }), broken: 'no port' }
    const run: RunResult = { seed: 7, started_at: '2026-01-02T03:04:05Z', node: 'v20.19.0', budget_ms: 250, results: [broken] }
    expect(() => toRows(run)).toThrow('no port')
  })
})
