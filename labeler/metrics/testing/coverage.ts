import { atThreshold } from '../at-threshold.ts'
import { averagePrecision } from '../average-precision.ts'
import type { Dependence } from '../dependence.ts'
import type { Estimate } from '../estimate.ts'
import { brierScore, logLoss } from '../losses.ts'
import { recalibration } from '../recalibration.ts'
import { errorQuantile, meanAbsoluteError, meanError, rootMeanSquaredError, rSquared } from '../regression.ts'
import { rocAuc } from '../roc-auc.ts'
import { binarySample, regressionSample } from '../sample.ts'
import { dependenceOf, type Population, type SimulatedRows, simulateRows } from './simulated-rows.ts'

/** How often intervals of a metric held the true value. */
export type Coverage = { metric: string; truth: number; simulations: number; intervals: number; covered: number; meanWidth: number }

export type CoverageOptions = { simulations: number; seed: number; truthRows: number; onSimulation?: (done: number) => void }

const truthSeed = 7

/**
 * Counts how often each metric's interval holds the truth: the metric of a very large sample in which each row has an entity and a day of
 * its own, since sharing them changes how rows go together and not how each comes out.
 */
export function measureCoverage(population: Population, { simulations, seed, truthRows, onSimulation }: CoverageOptions): Coverage[] {
  const large = { ...population, n: truthRows, rowsPerEntity: 1, days: truthRows }
  const truth = Object.entries(estimatesOf(simulateRows(large, truthSeed), population, undefined))
  const results = truth.map(([metric, { value = NaN }]) => ({ metric, truth: value, simulations, intervals: 0, covered: 0, meanWidth: 0 }))
  const dependence = dependenceOf(population)
  for (let simulation = 0; simulation < simulations; simulation++) {
    const estimates = estimatesOf(simulateRows(population, seed + simulation), population, dependence)
    for (const result of results) count(result, estimates[result.metric])
    onSimulation?.(simulation + 1)
  }
  return results.map((result) => ({ ...result, meanWidth: result.meanWidth / result.intervals }))
}

function count(result: Coverage, estimate: Estimate | undefined): void {
  const { lower, upper } = estimate ?? {}
  if (lower === undefined || upper === undefined) return
  result.intervals += 1
  result.meanWidth += upper - lower
  if (lower <= result.truth && result.truth <= upper) result.covered += 1
}

function estimatesOf(rows: SimulatedRows, { centre }: Population, dependence: Dependence | undefined): Record<string, Estimate> {
  const binary = binarySample(rows, dependence)
  const { slope, intercept } = recalibration(binary)
  const { accuracy, precision, recall, f1 } = atThreshold(binary, centre === 0 ? 0.5 : 0.05)
  const ofClasses = {
    roc_auc: rocAuc(binary),
    pr_auc: averagePrecision(binary),
    log_loss: logLoss(binary),
    brier: brierScore(binary),
    calibration_slope: slope,
    calibration_intercept: intercept,
    accuracy,
    precision,
    recall,
    f1,
  }
  if (centre !== 0) return ofClasses
  const numbers = regressionSample(rows, dependence)
  return {
    ...ofClasses,
    mae: meanAbsoluteError(numbers),
    rmse: rootMeanSquaredError(numbers),
    bias: meanError(numbers),
    r2: rSquared(numbers),
    error_p50: errorQuantile(numbers, 0.5),
    error_p90: errorQuantile(numbers, 0.9),
  }
}
