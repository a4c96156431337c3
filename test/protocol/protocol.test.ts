import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mutated, mutations } from './mutations.ts'
import { designed } from './protocol.ts'
import { play, schedules, schedulesWith } from './run.ts'
import { faults, lifeSteps, ordinarySteps } from './steps.ts'

// Unbiased: short runs reach nothing. Seeded: a run that fails, fails for everyone.
const settings = { seed: 1, unbiased: true }

describe('the hand-over', () => {
  it('loses nothing, counts nothing twice and recovers in time, whatever crashes when', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        expect(play(designed, schedule)).toEqual([])
      }),
      { ...settings, numRuns: 2_000 },
    )
  })

  it('is tried with every step and every fault taking effect', () => {
    const effects = new Map<string, number>()
    for (const schedule of fc.sample(schedules, { ...settings, numRuns: 600 }))
      play(designed, schedule, (name) => effects.set(name, (effects.get(name) ?? 0) + 1))
    const names = Object.keys({ ...ordinarySteps, ...lifeSteps, ...faults })
    expect(names.filter((name) => (effects.get(name) ?? 0) < 5)).toEqual([])
  })

  it.each(mutations)('is found to break when it $name', (mutation) => {
    const protocol = mutated(mutation)
    const schedulesUnder = schedulesWith(fc.constant(mutation.under))
    const holds = fc.property(schedulesUnder, (schedule) => !play(protocol, schedule).includes(mutation.breaks))
    expect(fc.check(holds, { ...settings, numRuns: 12_000, endOnFailure: true }).failed).toBe(true)
  })
})
