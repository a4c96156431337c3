import {
  errorQuantile,
  meanAbsoluteError,
  meanError,
  pinballLoss,
  quantileCoverage,
  rootMeanSquaredError,
  rSquared,
} from '../regression.ts'
import type { RegressionSample } from '../sample.ts'
import type { Named } from './named.ts'

/** The metrics of numbers; where the prediction is declared a quantile of the outcome, how good it is as that. */
export function regressionMetrics(sample: RegressionSample, quantile?: number): Named[] {
  return [
    ['mae', meanAbsoluteError(sample)],
    ['rmse', rootMeanSquaredError(sample)],
    ['bias', meanError(sample)],
    ['r2', rSquared(sample)],
    ['error_p10', errorQuantile(sample, 0.1)],
    ['error_p50', errorQuantile(sample, 0.5)],
    ['error_p90', errorQuantile(sample, 0.9)],
    ...(quantile === undefined
      ? []
      : ([
          ['pinball_loss', pinballLoss(sample, quantile)],
          ['quantile_coverage', quantileCoverage(sample)],
        ] as const)),
  ]
}
