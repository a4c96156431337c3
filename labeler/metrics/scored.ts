/** Scores and outcomes of the same rows; an outcome is 1 or 0. */
export type Scored = { scores: Float64Array; outcomes: Uint8Array }

/** Predicted and observed values of the same rows. */
export type Estimates = { predicted: Float64Array; observed: Float64Array }

export function countPositives(outcomes: Uint8Array): number {
  return outcomes.reduce((count, outcome) => count + outcome, 0)
}

/** Row numbers, by score ascending. */
export function orderByScore(scores: Float64Array): Uint32Array {
  return Uint32Array.from(scores, (_, row) => row).sort((a, b) => compare(scores[a]!, scores[b]!))
}

/** Compares without a difference, because that of two infinities is NaN. */
function compare(a: number, b: number): number {
  return a < b ? -1 : Number(a > b)
}
