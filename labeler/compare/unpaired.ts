import { clusteredRows, toClusters } from '../metrics/dependence.ts'
import type { Estimate } from '../metrics/estimate.ts'
import { normalCdf } from '../metrics/distributions/normal.ts'
import { intervalOf } from '../metrics/interval.ts'
import { groupBy } from '../outcomes/group-by.ts'

/** A decision that one of two versions answered. */
export type RoutedRow = {
  version: string
  /** What is averaged, as the decision's loss. */
  value: number
  /** The probability with which the request went to this version, as it was logged. */
  routeProbability: number
  /** Names the deployment revisions during which the same versions answered by the same shares. */
  revision: string
  /** What routes go by: all decisions of a key went to the same version while the shares stood. */
  stickyKey: string
  /** A caller that asked for the version says nothing of a caller that was sent to it. */
  pinned?: boolean
}

export type RevisionDifference = { revision: string; decisions: number; difference: Estimate; champion?: number; challenger?: number }

/** The challenger's mean less the champion's, each on its own decisions. The interval holds for one look at a time that was set before. */
export type UnpairedDifference = {
  /** Over revisions in which both answered, each weighted by its decisions. */
  difference: Estimate
  revisions: RevisionDifference[]
  decisions: { champion: number; challenger: number }
  keys: { champion: number; challenger: number; both: number }
  left_out: { pinned: number; other_version: number; no_probability: number; no_value: number; one_version: number }
  /** How likely a division of keys at least as uneven is, if they went by the logged probabilities; undefined without any. */
  division_probability?: number
  warnings: ('keys_do_not_divide_as_routed' | 'keys_went_to_both')[]
}

/** Below this the keys did not go as the probabilities say. */
const leastDivisionProbability = 0.001
/** The share of keys within one revision that may have gone to both versions. */
const mostShared = 0.01

type Arm = 'champion' | 'challenger'
type Row = RoutedRow & { arm: Arm; weight: number }

/** Compares two versions by the inverse of their logged probabilities (Hájek), per revision, clustered by the sticky key. */
export function compareUnpaired(rows: readonly RoutedRow[], versions: Record<Arm, string>): UnpairedDifference {
  const leftOut = { pinned: 0, other_version: 0, no_probability: 0, no_value: 0, one_version: 0 }
  const usable = rows.flatMap((row) => {
    const taken = toRow(row, versions)
    if (typeof taken !== 'string') return taken
    leftOut[taken] += 1
    return []
  })
  const revisions = [...groupBy(usable, ({ revision }) => revision)].map(([revision, of]) => ({ revision, rows: of }))
  const both = revisions.filter(({ rows: of }) => new Set(of.map(({ arm }) => arm)).size === 2)
  const judged = both.flatMap(({ rows: of }) => of)
  leftOut.one_version = usable.length - judged.length
  const { uneven, shared } = divisionOf(both.map(({ rows: of }) => of))
  const keysOf = (arm: Arm) => new Set(judged.flatMap((row) => (row.arm === arm ? row.stickyKey : [])))
  const keys = { champion: keysOf('champion'), challenger: keysOf('challenger') }
  return {
    difference: differenceOf(judged),
    revisions: revisions.map(({ revision, rows: of }) => ({
      revision,
      decisions: of.length,
      difference: differenceOf(of),
      ...meansOf(of),
    })),
    decisions: {
      champion: judged.filter(({ arm }) => arm === 'champion').length,
      challenger: judged.filter(({ arm }) => arm === 'challenger').length,
    },
    keys: {
      champion: keys.champion.size,
      challenger: keys.challenger.size,
      both: [...keys.champion].filter((key) => keys.challenger.has(key)).length,
    },
    left_out: leftOut,
    ...(uneven !== undefined && { division_probability: uneven }),
    warnings: [
      ...(uneven !== undefined && uneven < leastDivisionProbability ? (['keys_do_not_divide_as_routed'] as const) : []),
      ...(shared > mostShared ? (['keys_went_to_both'] as const) : []),
    ],
  }
}

function toRow(row: RoutedRow, versions: Record<Arm, string>): Row | keyof UnpairedDifference['left_out'] {
  if (row.pinned === true) return 'pinned'
  const arm = row.version === versions.champion ? 'champion' : row.version === versions.challenger ? 'challenger' : undefined
  if (arm === undefined) return 'other_version'
  if (!(row.routeProbability > 0 && row.routeProbability <= 1)) return 'no_probability'
  return Number.isFinite(row.value) ? { ...row, arm, weight: 1 / row.routeProbability } : 'no_value'
}

/** The differences of revisions by their shares of all decisions, and each decision's influence on it. */
function differenceOf(rows: readonly Row[]): Estimate {
  if (rows.length === 0) return { n: 0, method: 'none' }
  let value = 0
  const influence = new Float64Array(rows.length)
  const indexes = [...groupBy(rows.keys(), (index) => rows[index]!.revision).values()]
  for (const of of indexes) {
    const share = of.length / rows.length
    for (const [arm, sign] of [
      ['champion', -1],
      ['challenger', 1],
    ] as const) {
      const own = of.filter((index) => rows[index]!.arm === arm)
      const { mean, weight } = weightedMean(own.map((index) => rows[index]!))
      value += sign * share * mean
      for (const index of own) influence[index] = (sign * share * rows[index]!.weight * (rows[index]!.value - mean)) / weight
    }
  }
  const names = rows.map(({ stickyKey }) => stickyKey)
  const dependence = clusteredRows({ entities: [toClusters(names)], days: undefined, n: rows.length })
  // Each version needs keys enough of its own: the interval is as sure as the smaller of the two.
  const groups = Uint8Array.from(rows, ({ arm }) => Number(arm === 'challenger'))
  return intervalOf({ value, influence, n: rows.length }, { dependence, groups })
}

function meansOf(rows: readonly Row[]): Partial<Record<Arm, number>> {
  const entries = (['champion', 'challenger'] as const).map(
    (arm) => [arm, weightedMean(rows.filter((row) => row.arm === arm)).mean] as const,
  )
  return Object.fromEntries(entries.filter(([, mean]) => !Number.isNaN(mean)))
}

function weightedMean(rows: readonly Row[]): { mean: number; weight: number } {
  const weight = rows.reduce((sum, row) => sum + row.weight, 0)
  return { mean: rows.reduce((sum, row) => sum + row.weight * row.value, 0) / weight, weight }
}

/**
 * Whether keys went to the versions as the probabilities say: a two-sided normal test of the challenger's number of keys over all
 * revisions. A key that went to both in one revision is not counted; `shared` is the share of those.
 */
function divisionOf(revisions: readonly (readonly Row[])[]): { uneven: number | undefined; shared: number } {
  const sums = { excess: 0, variance: 0, shared: 0, keys: 0 }
  for (const rows of revisions) {
    const probability = meanShareOfChallenger(rows)
    for (const of of groupBy(rows, ({ stickyKey }) => stickyKey).values()) {
      sums.keys += 1
      if (new Set(of.map(({ arm }) => arm)).size === 2) {
        sums.shared += 1
        continue
      }
      sums.excess += Number(of[0]!.arm === 'challenger') - probability
      sums.variance += probability * (1 - probability)
    }
  }
  const uneven = sums.variance > 0 ? 2 * (1 - normalCdf(Math.abs(sums.excess) / Math.sqrt(sums.variance))) : undefined
  return { uneven, shared: sums.keys === 0 ? 0 : sums.shared / sums.keys }
}

/** The challenger's probability among the two versions. */
function meanShareOfChallenger(rows: readonly Row[]): number {
  const mean = (arm: Arm) => {
    const own = rows.filter((row) => row.arm === arm)
    return own.reduce((sum, { routeProbability }) => sum + routeProbability, 0) / own.length
  }
  const challenger = mean('challenger')
  return challenger / (challenger + mean('champion'))
}
