/** What a run of so many rows takes: a fixed part and a part per row, corrected by what is seen. */
export type Cost = {
  /** The expected microseconds of a run of so many rows; 0 before anything was measured or seen. */
  of(rows: number): number
  measured(at: { oneRowUs: number; batchUs: number; batchRows: number }): void
  seen(rows: number, us: number): void
}

/** Share of a new observation: an estimate follows a lasting change within some ten runs, and one outlier hardly moves it. */
const weight = 0.1

export function createCost(): Cost {
  let fixedUs = 0
  let perRowUs = 0
  let factor = 1
  const planned = (rows: number) => fixedUs + perRowUs * rows
  return {
    of: (rows) => planned(rows) * factor,
    measured({ oneRowUs, batchUs, batchRows }) {
      perRowUs = batchRows > 1 ? Math.max(0, (batchUs - oneRowUs) / (batchRows - 1)) : 0
      fixedUs = Math.max(0, oneRowUs - perRowUs)
      factor = 1
    },
    seen(rows, us) {
      const expectedUs = planned(rows)
      if (expectedUs === 0) perRowUs = us / Math.max(1, rows)
      else factor += weight * (us / expectedUs - factor)
    },
  }
}
