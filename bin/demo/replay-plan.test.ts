import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadProject } from '../../platform/project/load-project.ts'
import { planReplay, type ReplayPlan } from './replay-plan.ts'

let plan: ReplayPlan

beforeAll(async () => {
  plan = await planReplay({ project: await loadProject(fileURLToPath(new URL('../../models', import.meta.url))), day: '2001-06-04' })
})

describe('the plan of 2001-06-04', () => {
  test('has the flights of the local day, one of them with an impossible delay', () => {
    expect(plan.flights).toHaveLength(17_059)
    expect(new Set(plan.flights.map(({ id }) => id)).size).toBe(17_059)
    expect(plan.flights.filter((flight) => !plan.isPossible(flight)).map(({ delayMinutes }) => delayMinutes)).toEqual([604])
    const [first] = plan.flights
    expect(first).toMatchObject({ origin: 'ATL', destination: 'RDU', distance: 356 })
    // Midnight in Atlanta is 04:00 UTC in summer; 30 + floor(356 / 8) = 74 minutes later it lands.
    expect(new Date(first!.departureMs).toISOString()).toBe('2001-06-04T04:00:00.000Z')
    expect(new Date(first!.landingMs).toISOString()).toBe('2001-06-04T05:14:00.000Z')
  })

  test('tells each landing before any later departure, and no more than a step ahead', () => {
    let lastDeparture = -Infinity
    for (const { startMs, landings, departures } of plan.steps) {
      for (const { landingMs } of landings) expect(landingMs).toBeGreaterThanOrEqual(lastDeparture)
      for (const { landingMs } of landings) expect(landingMs).toBeLessThan(startMs + 300_000)
      lastDeparture = Math.max(lastDeparture, ...departures.map(({ departureMs }) => departureMs))
    }
    expect(plan.steps.reduce((sum, { departures }) => sum + departures.length, 0)).toBe(17_059)
  })

  test('tells landings from a whole window before the first departure on, until every planned flight is down', () => {
    const landings = plan.steps.flatMap((step) => step.landings)
    expect(Math.min(...landings.map(({ landingMs }) => landingMs))).toBeLessThan(plan.anchorFromMs - 10_800_000 + 300_000)
    const told = new Set(landings.map(({ id }) => id))
    expect(plan.flights.every(({ id }) => told.has(id))).toBe(true)
    expect(told.size).toBe(landings.length)
  })
})
