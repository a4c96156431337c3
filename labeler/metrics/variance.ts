import type { Dependence } from './dependence.ts'

/** The variance of a figure, and the fewest clusters that hold what it is made of: of all dimensions, and of roles of entities alone. */
export type Spread = { variance: number; clusters: number; entities: number }

/** The group of rows that a figure has nothing to do with. */
export const unconcerned = 255

/**
 * The variance of a figure from its influence function: each row's share in what the figure differs from the truth. Rows' influences are
 * summed within clusters, squared, and multiplied by G / (G - 1), G being the clusters that hold a row of the group; the groups of a
 * figure, as the two classes of an area under the ROC curve, have a G each. With clusters in several dimensions it is that of Cameron,
 * Gelbach and Miller, and at least that of each dimension alone. Undefined where a group lies in a single cluster.
 */
export function spreadOf(influence: Float64Array, dependence: Dependence, groups?: Uint8Array): Spread | undefined {
  let total = 0
  let largest = 0
  let clusters = Infinity
  let entities = Infinity
  for (const { ids, count, sign, kind } of dependence.terms) {
    const held = countHeld(ids, count, groups)
    const fewest = Math.min(...held)
    if (!(fewest > 1)) return undefined
    const factors = held.map((number) => Math.sqrt(number / (number - 1)))
    const squares =
      ids === undefined ? sumOverRows(influence, factors, groups) : sumOverClusters(influence, { ids, count }, factors, groups)
    total += sign * squares
    if (kind === 'intersection') continue
    largest = Math.max(largest, squares)
    clusters = Math.min(clusters, fewest)
    if (kind === 'entity') entities = Math.min(entities, fewest)
  }
  return { variance: Number.isNaN(total) ? total : Math.max(total, largest), clusters, entities }
}

/** The fewest clusters, over roles, that hold a row that is marked. */
export function fewestHolding(dependence: Dependence, isMarked: (row: number) => boolean): number {
  const rows = dependence.terms[0]?.ids?.length ?? dependence.terms[0]?.count ?? 0
  const groups = new Uint8Array(rows)
  for (let row = 0; row < rows; row++) groups[row] = isMarked(row) ? 0 : unconcerned
  const entities = dependence.terms.filter(({ kind }) => kind === 'entity')
  return Math.min(...entities.map(({ ids, count }) => countHeld(ids, count, groups)[0] ?? 0))
}

/** How many clusters hold a row of group 0, and of group 1 where there is one. */
function countHeld(ids: Uint32Array | undefined, count: number, groups: Uint8Array | undefined): number[] {
  if (groups === undefined) return [count]
  const held = [0, 0]
  const seen = ids === undefined ? undefined : [new Uint8Array(count), new Uint8Array(count)]
  let hasSecond = false
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]!
    if (group === unconcerned) continue
    if (group === 1) hasSecond = true
    if (seen === undefined) held[group]! += 1
    else if (seen[group]![ids![row]!] === 0) {
      seen[group]![ids![row]!] = 1
      held[group]! += 1
    }
  }
  return hasSecond ? held : [held[0]!]
}

function sumOverRows(influence: Float64Array, factors: readonly number[], groups: Uint8Array | undefined): number {
  let sum = 0
  for (let row = 0; row < influence.length; row++) sum += (influence[row]! * (factors[groups?.[row] ?? 0] ?? 0)) ** 2
  return sum
}

function sumOverClusters(
  influence: Float64Array,
  { ids, count }: { ids: Uint32Array; count: number },
  factors: readonly number[],
  groups: Uint8Array | undefined,
): number {
  const sums = new Float64Array(count)
  for (let row = 0; row < influence.length; row++) sums[ids[row]!]! += influence[row]! * (factors[groups?.[row] ?? 0] ?? 0)
  let squares = 0
  for (let cluster = 0; cluster < count; cluster++) squares += sums[cluster]! ** 2
  return squares
}
