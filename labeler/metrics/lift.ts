import type { BinarySample } from './sample.ts'

/** A tenth of the rows, by score from the highest. */
export type LiftDecile = {
  decile: number
  /** The share of the decile that came, and that share over the one of all rows. */
  rate: number
  lift: number
  /** The share of all that came which this decile and those before it hold, and its ratio to the share of rows. */
  gain: number
  cumulative_lift: number
}

const deciles = 10

/**
 * Lift and cumulative gain by decile of weight, from the highest score. Rows of one score that lie on both sides of a decile's end count
 * there in proportion, as if they were put in a random order. Empty without positives.
 */
export function liftByDecile(sample: BinarySample): LiftDecile[] {
  const { totalWeight, weightOf, hasNaN } = sample
  if (weightOf.positives === 0 || hasNaN) return []
  const base = weightOf.positives / totalWeight
  const gains = gainsAt(sample)
  return gains.map((gain, index) => {
    const inside = gain - (gains[index - 1] ?? 0)
    const rate = inside * deciles * base
    const decile = index + 1
    return { decile, rate, lift: inside * deciles, gain, cumulative_lift: (gain * deciles) / decile }
  })
}

/** The share of positives among the highest tenth, two tenths ... of the weight, straight within rows of one score. */
function gainsAt({ n, order, scores, outcomes, weights, totalWeight, weightOf }: BinarySample): number[] {
  const gains: number[] = []
  let above = 0
  let positivesAbove = 0
  for (let at = n - 1; at >= 0;) {
    const score = scores[order[at]!]!
    let weight = 0
    let positives = 0
    for (; at >= 0 && scores[order[at]!]! === score; at--) {
      weight += weights[order[at]!]!
      if (outcomes[order[at]!] === 1) positives += weights[order[at]!]!
    }
    for (; gains.length < deciles - 1;) {
      const end = ((gains.length + 1) / deciles) * totalWeight
      if (end > above + weight) break
      gains.push((positivesAbove + positives * ((end - above) / weight)) / weightOf.positives)
    }
    above += weight
    positivesAbove += positives
  }
  while (gains.length < deciles) gains.push(1)
  return gains
}
