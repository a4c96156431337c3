import type { Dependence } from './dependence.ts'
import type { Sample } from './sample.ts'

/** Some rows of a sample, with the clusters that they have in it. */
export function subsample({ weights, dependence }: Sample, rows: Uint32Array): Sample {
  const chosen = new Float64Array(rows.length)
  let totalWeight = 0
  for (let at = 0; at < rows.length; at++) totalWeight += chosen[at] = weights[rows[at]!]!
  return { n: rows.length, weights: chosen, totalWeight, dependence: dependenceOf(dependence, rows) }
}

export function dependenceOf(dependence: Dependence, rows: Uint32Array): Dependence {
  const terms = dependence.terms.map((term) => {
    const { ids } = term
    if (ids === undefined) return { ...term, count: rows.length }
    const chosen = new Uint32Array(rows.length)
    for (let at = 0; at < rows.length; at++) chosen[at] = ids[rows[at]!]!
    return { ...term, ids: chosen }
  })
  return { ...dependence, terms }
}
