import type { ClusteredBy } from './estimate.ts'
import { orderByNumber, rowNumbers } from './order.ts'

/** Which cluster each row is in, from 0. */
export type Clusters = { ids: Uint32Array; count: number }

/** One sum of squares of a variance: over clusters, or over rows where there are no ids. Intersections of dimensions alternate in sign. */
type Term = { ids: Uint32Array | undefined; count: number; sign: 1 | -1; kind: 'entity' | 'day' | 'intersection' }

/** How rows depend on each other, as intervals need it. */
export type Dependence = {
  terms: readonly Term[]
  clusteredBy: ClusteredBy
  scope: 'days_to_come' | 'these_days' | undefined
  /** The level of intervals; `confidenceLevel` where it is left out. */
  level?: number
}

/** Below this many days, the differences between days cannot be told: an interval speaks of these days only. */
export const leastDays = 5

/** Rows that are declared independent. */
export function independentRows(n: number, level?: number): Dependence {
  return {
    terms: [{ ids: undefined, count: n, sign: 1, kind: 'entity' }],
    clusteredBy: 'rows',
    scope: undefined,
    ...(level !== undefined && { level }),
  }
}

/**
 * Rows that depend on each other where they share an entity of any role, or a day (Cameron, Gelbach and Miller 2011): one term for each
 * dimension and, with alternating signs, for each intersection. Without entities each row is one of its own.
 */
export function clusteredRows({ entities, days, n }: { entities: readonly Clusters[]; days: Clusters | undefined; n: number }): Dependence {
  const useDays = days !== undefined && days.count >= leastDays
  const roles: Dimension[] = entities.length === 0 ? [{ clusters: undefined, kind: 'entity' }] : entities.map(toEntity)
  const dimensions = useDays ? [...roles, { clusters: days, kind: 'day' } as const] : roles
  const entity = entities.length === 0 ? 'rows' : 'entity'
  return {
    terms: toTerms(dimensions, n),
    clusteredBy: useDays ? (entities.length === 0 ? 'day' : 'entity_and_day') : entity,
    scope: days === undefined ? undefined : useDays ? 'days_to_come' : 'these_days',
  }
}

type Dimension = { clusters: Clusters | undefined; kind: 'entity' | 'day' }

function toEntity(clusters: Clusters): Dimension {
  return { clusters, kind: 'entity' }
}

/** Every non-empty set of dimensions. An intersection with rows of their own is the rows. */
function toTerms(dimensions: readonly Dimension[], n: number): Term[] {
  return Array.from({ length: 2 ** dimensions.length - 1 }, (_, index) => {
    const chosen = dimensions.filter((_dimension, bit) => ((index + 1) >> bit) & 1)
    const [only] = chosen
    const clusters = intersect(chosen, n)
    return {
      ids: clusters?.ids,
      count: clusters?.count ?? n,
      sign: chosen.length % 2 === 1 ? 1 : -1,
      kind: chosen.length === 1 && only !== undefined ? only.kind : 'intersection',
    }
  })
}

function intersect(dimensions: readonly Dimension[], n: number): Clusters | undefined {
  if (dimensions.some(({ clusters }) => clusters === undefined)) return undefined
  const parts = dimensions.flatMap(({ clusters }) => (clusters === undefined ? [] : [clusters.ids]))
  if (dimensions.length === 1) return dimensions[0]?.clusters
  return numberDistinct(parts, n)
}

/** Numbers the combinations of several ids in their own order, so that the same rows in another order get the same numbers. */
function numberDistinct(parts: readonly Uint32Array[], n: number): Clusters {
  const order = parts.toReversed().reduce((sorted, ids) => orderByNumber(ids, sorted), rowNumbers(n))
  const ids = new Uint32Array(n)
  let count = 0
  for (let at = 0; at < n; at++) {
    const row = order[at]!
    const before = order[at - 1]
    if (before !== undefined && parts.every((part) => part[row] === part[before])) ids[row] = count - 1
    else ids[row] = count++
  }
  return { ids, count }
}

/** Numbers names by their order. A row without a name is a cluster of its own, after those that have one. */
export function toClusters(names: readonly (string | undefined)[]): Clusters {
  const distinct = [...new Set(names.filter((name) => name !== undefined))].toSorted()
  const numbers = new Map(distinct.map((name, number) => [name, number]))
  let count = distinct.length
  const ids = Uint32Array.from(names, (name) => (name === undefined ? count++ : (numbers.get(name) ?? 0)))
  return { ids, count }
}
