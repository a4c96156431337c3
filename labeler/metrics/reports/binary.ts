import { atThreshold, type Confusion, confusionAt, type Costs, meanCost } from '../at-threshold.ts'
import { averagePrecision } from '../average-precision.ts'
import { type CalibrationBin, calibrationCurve, expectedCalibrationError } from '../calibration.ts'
import { type Estimate, undefinedEstimate } from '../estimate.ts'
import { type LiftDecile, liftByDecile } from '../lift.ts'
import { brierScore, logLoss } from '../losses.ts'
import { recalibration } from '../recalibration.ts'
import { rocAuc } from '../roc-auc.ts'
import type { BinarySample } from '../sample.ts'
import { type ThresholdRow, thresholdTable } from '../threshold-table.ts'
import type { Named } from './named.ts'

export type DecisionRule = { threshold?: number | undefined; costs?: Costs | undefined }

/** The metrics of two classes; with a threshold those of the decision too, and with costs what it costs in the mean. */
export function binaryMetrics(sample: BinarySample, { threshold, costs }: DecisionRule = {}): Named[] {
  const isProbability = holdsProbabilities(sample)
  const ofProbability = (metric: (sample: BinarySample) => Estimate) => (isProbability ? metric(sample) : undefinedEstimate(sample.n))
  const { slope, intercept } = isProbability
    ? recalibration(sample)
    : { slope: undefinedEstimate(sample.n), intercept: undefinedEstimate(sample.n) }
  return [
    ['roc_auc', rocAuc(sample)],
    ['pr_auc', averagePrecision(sample)],
    ['log_loss', ofProbability(logLoss)],
    ['brier', ofProbability(brierScore)],
    ['ece', ofProbability(expectedCalibrationError)],
    ['calibration_slope', slope],
    ['calibration_intercept', intercept],
    ...(threshold === undefined ? [] : Object.entries(atThreshold(sample, threshold))),
    ...(threshold === undefined || costs === undefined ? [] : [['cost', meanCost(sample, threshold, costs)] as const]),
  ]
}

export type BinaryTables = {
  /** Empty where a score is no probability. */
  calibration: CalibrationBin[]
  confusion?: Confusion
  thresholds: ThresholdRow[]
  lift: LiftDecile[]
}

export function binaryTables(sample: BinarySample, { threshold, costs }: DecisionRule = {}): BinaryTables {
  return {
    calibration: holdsProbabilities(sample) ? calibrationCurve(sample) : [],
    ...(threshold !== undefined && { confusion: confusionAt(sample, threshold) }),
    thresholds: thresholdTable(sample, { declared: threshold, costs }),
    lift: liftByDecile(sample),
  }
}

/** A score that is no probability can rank, but has no likelihood and no calibration. */
function holdsProbabilities({ scores, order, n, hasNaN }: BinarySample): boolean {
  return n === 0 || (!hasNaN && scores[order[0]!]! >= 0 && scores[order[n - 1]!]! <= 1)
}
