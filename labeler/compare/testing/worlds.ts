import type { DayDifferences, Differences } from '../../../models/flight-delay/train/day-differences.ts'
import type { Random } from './random.ts'
import type { World } from './simulation.ts'

/** Days in a block. */
export const blockDays = 2
const decisionsADay = 10_000
const entities = 500

/** In units of a row's standard deviation, and shares of its variance. */
export type GaussianSpec = {
  /** The mean difference. */
  effect?: number
  /** The share that an entity keeps for good. */
  persistent?: number
  /** The share that an entity keeps for a day. */
  fresh?: number
  /** Whether each day's entities are new. */
  renewed?: boolean
  /** The standard deviation of what all rows of a day share. */
  dayShock?: number
  zipf?: boolean
  /** The share of the decisions that one entity has. */
  dominant?: number
}

/**
 * Gaussian differences. The sum of a cluster's rows in a block is drawn at once, which is exact: sums of Gaussian rows with shared
 * Gaussian effects are Gaussian, and both gates read nothing but these sums.
 */
export function gaussianWorld(spec: GaussianSpec): World {
  const { effect = 0, persistent = 0, fresh = 0, renewed = false, dayShock = 0 } = spec
  const sizes = sizesOf(spec)
  const own = 1 - persistent - fresh
  return {
    clusters: [renewed ? 0 : entities],
    start(random) {
      const kept = Float64Array.from(sizes, () => (persistent > 0 ? Math.sqrt(persistent) * random.normal() : 0))
      return (_, sink) => {
        const shocks = Array.from({ length: blockDays }, () => (dayShock > 0 ? dayShock * random.normal() : 0))
        for (let entity = 0; entity < entities; entity++) {
          const rows = sizes[entity]!
          const spread = Math.sqrt(rows * rows * fresh + rows * own)
          if (renewed) for (const shock of shocks) sink.addOnce(0, rows * (effect + shock) + spread * random.normal(), rows)
          else {
            const shared = blockDays * (effect + kept[entity]!) + shocks[0]! + shocks[1]!
            sink.add(0, entity, rows * shared + spread * Math.SQRT2 * random.normal(), rows * blockDays)
          }
        }
      }
    },
  }
}

function sizesOf({ zipf = false, dominant = 1 / entities }: GaussianSpec): Float64Array {
  if (zipf) return zipfSizes()
  const others = ((1 - dominant) * decisionsADay) / (entities - 1)
  return Float64Array.from({ length: entities }, (_, entity) => (entity === 0 ? dominant * decisionsADay : others))
}

/** Whole numbers of decisions a day in the proportions 1, 1/2, 1/3, ..., of about 10,000 in all. */
function zipfSizes(): Float64Array {
  const harmonic = Array.from({ length: entities }, (_, index) => 1 / (index + 1)).reduce((sum, share) => sum + share, 0)
  return Float64Array.from({ length: entities }, (_, index) => Math.max(1, Math.round(decisionsADay / harmonic / (index + 1))))
}

export type ScoredSpec = {
  prevalence: number
  decisionsADay: number
  /** Standard deviations of both versions' errors on the logarithm of the probability. */
  championError: number
  challengerError: number
}

/**
 * Brier differences of decisions drawn row by row: probabilities vary by decision, and by entity in a way that no version knows.
 * Equal errors of both versions are a null, since the two are exchangeable.
 */
export function scoredWorld({ prevalence, decisionsADay: perDay, championError, challengerError }: ScoredSpec): World {
  const spread = 0.7
  const ofEntity = 0.3
  return {
    clusters: [entities],
    start(random) {
      const factors = Float64Array.from({ length: entities }, () => logNormal(random, ofEntity))
      return (_, sink) => {
        for (let row = 0; row < perDay * blockDays; row++) {
          const entity = Math.floor(random.uniform() * entities)
          const probability = Math.min(0.95, prevalence * logNormal(random, spread))
          const outcome = random.uniform() < Math.min(1, probability * factors[entity]!) ? 1 : 0
          const champion = Math.min(1, probability * logNormal(random, championError))
          const challenger = Math.min(1, probability * logNormal(random, challengerError))
          sink.add(0, entity, (challenger - outcome) ** 2 - (champion - outcome) ** 2, 1)
        }
      }
    },
  }
}

/** A factor whose mean is 1. */
function logNormal({ normal }: Random, deviation: number): number {
  return Math.exp(deviation * normal() - (deviation * deviation) / 2)
}

/** The share of version 1's loss by which the challenger is better; 0 is the null. */
export type FlightsSpec = {
  share: number
  /**
   * `moved`: version 2's differences from version 1, their mean replaced. `blend`: those of the weighted mean of both versions' scores
   * that is better by that share; nothing is replaced.
   */
  challenger: 'moved' | 'blend'
}

const runDays = 6

/** Real flights in runs of six successive days, drawn with replacement: the sums of differences by airport. */
export function flightsWorld(days: readonly DayDifferences[], spec: FlightsSpec): World {
  const differenceOf = spec.challenger === 'moved' ? movedDifference(days, spec.share) : blendDifference(days, spec.share)
  const roles = ['origin', 'destination'] as const
  const names = roles.map((role) => [...new Set(days.flatMap((day) => Object.keys(day[role])))])
  const cells = days.map((day) =>
    roles.map((role, index) =>
      Object.entries(day[role]).map(([airport, sums]) => ({
        cluster: names[index]!.indexOf(airport),
        sum: differenceOf(sums),
        rows: sums.flights,
      })),
    ),
  )
  return {
    clusters: names.map(({ length }) => length),
    start(random) {
      let first = 0
      let taken = runDays
      return (_, sink) => {
        for (let day = 0; day < blockDays; day++, taken++) {
          if (taken === runDays) {
            first = Math.floor(random.uniform() * days.length)
            taken = 0
          }
          for (const [role, airports] of cells[(first + taken) % days.length]!.entries())
            for (const { cluster, sum, rows } of airports) sink.add(role, cluster, sum, rows)
        }
      }
    },
  }
}

type ToDifference = (sums: Differences) => number

function movedDifference(days: readonly DayDifferences[], share: number): ToDifference {
  const { loss, difference } = meansOf(days)
  return (sums) => sums.difference - (difference + share * loss) * sums.flights
}

/**
 * With the score s1 + w (s2 - s1) the squared error differs from version 1's by w d - w (1 - w) (s2 - s1)², d the difference of
 * version 2's. The smaller w at which its mean is the share of version 1's loss.
 */
function blendDifference(days: readonly DayDifferences[], share: number): ToDifference {
  const { loss, difference, distance } = meansOf(days)
  const slope = difference - distance
  const weight = (-slope - Math.sqrt(slope ** 2 - 4 * distance * share * loss)) / (2 * distance)
  return (sums) => weight * sums.difference - weight * (1 - weight) * sums.distance
}

/** Per flight. */
function meansOf(days: readonly DayDifferences[]): { loss: number; difference: number; distance: number } {
  const flights = sumOf(days, (day) => day.flights)
  return {
    loss: sumOf(days, (day) => day.loss) / flights,
    difference: sumOf(days, (day) => day.difference) / flights,
    distance: sumOf(days, (day) => day.distance) / flights,
  }
}

function sumOf(days: readonly DayDifferences[], of: (day: DayDifferences) => number): number {
  return days.reduce((total, day) => total + of(day), 0)
}
