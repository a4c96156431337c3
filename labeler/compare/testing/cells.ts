import type { DayDifferences } from '../../../models/flight-delay/train/day-differences.ts'
import type { World } from './simulation.ts'
import { flightsWorld, gaussianWorld, scoredWorld } from './worlds.ts'

/** A setting that is simulated, and what is expected of it. */
export type Cell = {
  name: string
  world: World
  /** The most that may be called at level 0.05 where nothing differs, or the least that is to be called right; left out: reported only. */
  most?: number
  least?: number
  /** The share of all simulations that it is run in, where they are long. */
  share?: number
  /** Calls are made though few entities have most decisions. */
  unguarded?: boolean
}

/** 5 % and 2.6 standard errors of 4,000 simulations. */
const most = 0.059
const least = 0.8

/** The settings that need no data. An effect of 0.094 standard deviations of a row is 5 % of the Brier score at prevalence 0.2. */
export function syntheticCells(): Cell[] {
  return [
    { name: 'null: independent rows', world: gaussianWorld({}), most },
    { name: 'null: correlation .3 within an entity, new entities each day', world: gaussianWorld({ fresh: 0.3, renewed: true }), most },
    { name: 'null: correlation .3 within an entity, the same entities', world: gaussianWorld({ persistent: 0.3 }), most },
    { name: 'null: day shock of 5 standard errors of a day', world: gaussianWorld({ dayShock: 0.05 }), most },
    { name: 'null: Zipf-sized entities, correlation .3 within a day', world: gaussianWorld({ fresh: 0.3, zipf: true }), most },
    { name: 'null: Zipf-sized entities, correlation .3 for good', world: gaussianWorld({ persistent: 0.3, zipf: true }), most },
    {
      name: 'null: one entity with half of the decisions, correlation .3 for good',
      world: gaussianWorld({ persistent: 0.3, dominant: 0.5 }),
      most,
    },
    { name: 'effect: 5 % of Brier, prevalence .2', world: gaussianWorld({ effect: -0.094, persistent: 0.15, fresh: 0.15 }), least },
  ]
}

export function cells(days: readonly DayDifferences[]): Cell[] {
  return [
    ...syntheticCells(),
    { name: 'null: flights', world: flightsWorld(days, { challenger: 'moved', share: 0 }), most },
    {
      name: 'effect: 5 % of Brier, flights, a blend of both versions',
      world: flightsWorld(days, { challenger: 'blend', share: 0.05 }),
      least,
    },
    {
      name: "effect: 5 % of Brier, flights, version 2's differences moved",
      world: flightsWorld(days, { challenger: 'moved', share: 0.05 }),
      least,
    },
    ...[0.3, 0.5, 0.7].map((dominant) => ({
      name: `null: one entity with ${dominant * 100} %, correlation .3 for good, without the rule on few entities`,
      world: gaussianWorld({ persistent: 0.3, dominant }),
      unguarded: true,
    })),
    {
      name: 'null: Brier by row, prevalence .02, 1,000 decisions a day',
      world: scoredWorld({ prevalence: 0.02, decisionsADay: 1000, championError: 0.5, challengerError: 0.5 }),
    },
    {
      name: 'effect: Brier by row, prevalence .02, 10,000 decisions a day',
      world: scoredWorld({ prevalence: 0.02, decisionsADay: 10_000, championError: 0.98, challengerError: 0.2 }),
      share: 0.25,
    },
  ]
}
