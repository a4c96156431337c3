/** Sums over groups of rows: of each group's sum of values s and its number of rows n, which may be weighted. */
export type Moments = {
  groups: number
  /** Σ n */
  rows: number
  /** Σ s */
  sum: number
  /** Σ s² */
  sumSquares: number
  /** Σ s n */
  products: number
  /** Σ n² */
  rowSquares: number
}

/** Squares below this share of Σ s² are rounding. */
const rounding = 1e-12

export function createMoments(): Moments {
  return { groups: 0, rows: 0, sum: 0, sumSquares: 0, products: 0, rowSquares: 0 }
}

export function addGroup(moments: Moments, sum: number, rows: number): void {
  moments.groups += 1
  moments.rows += rows
  moments.sum += sum
  moments.sumSquares += sum * sum
  moments.products += sum * rows
  moments.rowSquares += rows * rows
}

/** Takes a group's former sum and rows out and puts its present ones in. */
export function replaceGroup(moments: Moments, before: { sum: number; rows: number }, after: { sum: number; rows: number }): void {
  moments.rows += after.rows - before.rows
  moments.sum += after.sum - before.sum
  moments.sumSquares += after.sum ** 2 - before.sum ** 2
  moments.products += after.sum * after.rows - before.sum * before.rows
  moments.rowSquares += after.rows ** 2 - before.rows ** 2
}

/** The mean value of a row; NaN without rows. */
export function meanOf({ sum, rows }: Moments): number {
  return sum / rows
}

/** Σ (s - mean n)², and 0 where only rounding is left of it. */
export function residualSquares({ sumSquares, products, rowSquares }: Moments, mean: number): number {
  const squares = sumSquares - 2 * mean * products + mean * mean * rowSquares
  return squares <= rounding * sumSquares ? 0 : squares
}

/** The variance of the sum of all rows where groups are independent: K / (K - 1) Σ (s - mean n)². NaN for fewer than two groups. */
export function clusteredVariance(moments: Moments, mean = meanOf(moments)): number {
  return moments.groups < 2 ? Number.NaN : (moments.groups / (moments.groups - 1)) * residualSquares(moments, mean)
}

/** How many groups of equal size would weigh as much, (Σ n)² / Σ n²: few where one group has most rows. */
export function effectiveGroups({ rows, rowSquares }: Moments): number {
  return rowSquares === 0 ? 0 : rows ** 2 / rowSquares
}
