import { clusteredRows, toClusters } from '../metrics/dependence.ts'
import type { Estimate } from '../metrics/estimate.ts'
import { intervalOf } from '../metrics/interval.ts'

/** What two labelers said of the same decision, and the entity that decisions share. */
export type RatedPair = { first: string; second: string; cluster?: string | undefined }

/** Agreement beyond chance, and the share of equal values. */
export type Agreement = { kappa: Estimate; agreed: Estimate; n: number }

/**
 * Cohen's kappa with the variance of Fleiss, Cohen and Everitt (1969), summed within clusters where there are some. Undefined where both
 * said one and the same value throughout: chance alone would agree as much.
 */
export function cohenKappa(pairs: readonly RatedPair[]): Agreement {
  const n = pairs.length
  if (n === 0) return { kappa: { n, method: 'none' }, agreed: { n, method: 'none' }, n }
  const clusters = pairs.some(({ cluster }) => cluster !== undefined) ? [toClusters(pairs.map(({ cluster }) => cluster))] : []
  const dependence = clusteredRows({ entities: clusters, days: undefined, n })
  const [ofFirst, ofSecond] = [sharesOf(pairs, 'first'), sharesOf(pairs, 'second')]
  const observed = pairs.filter(({ first, second }) => first === second).length / n
  const chance = [...ofFirst].reduce((sum, [value, share]) => sum + share * (ofSecond.get(value) ?? 0), 0)
  const agreedInfluence = Float64Array.from(pairs, ({ first, second }) => (Number(first === second) - observed) / n)
  const agreed = intervalOf({ value: observed, influence: agreedInfluence, n }, { dependence, range: { least: 0, most: 1 } })
  // Both said one value only where chance is 1 but for rounding.
  if (ofFirst.size === 1 && ofSecond.size === 1 && observed === 1) return { kappa: { n, method: 'none' }, agreed, n }
  const value = (observed - chance) / (1 - chance)
  const influence = Float64Array.from(pairs, ({ first, second }, row) => {
    const ofChance = (ofSecond.get(first) ?? 0) + (ofFirst.get(second) ?? 0) - 2 * chance
    return (agreedInfluence[row]! - ((1 - value) * ofChance) / n) / (1 - chance)
  })
  return { kappa: intervalOf({ value, influence, n }, { dependence, range: { least: -1, most: 1 } }), agreed, n }
}

function sharesOf(pairs: readonly RatedPair[], side: 'first' | 'second'): Map<string, number> {
  const shares = new Map<string, number>()
  for (const pair of pairs) shares.set(pair[side], (shares.get(pair[side]) ?? 0) + 1 / pairs.length)
  return shares
}
