import { type CalibrationBin, calibrationCurve, expectedCalibrationError } from '../calibration.ts'
import { accuracy, classLogLoss, classMetrics, type ClassSample, type ConfusionCell, confusionMatrix, macroAverages } from '../classes.ts'
import { binarySample } from '../sample.ts'
import type { Named } from './named.ts'

/** What a model says of how likely classes are: of the one that turned out, and of the likeliest. */
export type Likelihoods = { ofObserved: Float64Array; likeliest: { probabilities: Float64Array; isObserved: Uint8Array } | undefined }

/** The most classes whose precision, recall and F1 are listed; averages are over all classes. */
const listedClasses = 100

export function multiclassMetrics(sample: ClassSample, likelihoods?: Likelihoods): Named[] {
  const macro = macroAverages(sample)
  const mostFirst = classMetrics(sample)
    .toSorted((a, b) => b.recall.n - a.recall.n)
    .slice(0, listedClasses)
  return [
    ['accuracy', accuracy(sample)],
    ...(likelihoods === undefined ? [] : ofLikelihoods(sample, likelihoods)),
    ['macro_precision', macro.precision],
    ['macro_recall', macro.recall],
    ['macro_f1', macro.f1],
    ...mostFirst.flatMap(({ name, precision, recall, f1 }): Named[] => [
      ['precision', precision, name],
      ['recall', recall, name],
      ['f1', f1, name],
    ]),
  ]
}

function ofLikelihoods(sample: ClassSample, likelihoods: Likelihoods): Named[] {
  return [
    ['log_loss', classLogLoss(likelihoods.ofObserved, sample)],
    ...(likelihoods.likeliest === undefined
      ? []
      : [['top_class_ece', expectedCalibrationError(topClassSample(sample, likelihoods.likeliest))] as const]),
  ]
}

/** Whether the likeliest class turned out, by how likely it was said to be. */
function topClassSample({ weights, dependence }: ClassSample, { probabilities, isObserved }: NonNullable<Likelihoods['likeliest']>) {
  return binarySample({ scores: probabilities, outcomes: isObserved, weights }, dependence)
}

export type ClassTables = { class_confusion: ConfusionCell[]; top_class_calibration: CalibrationBin[] }

export function classTables(sample: ClassSample, likelihoods?: Likelihoods): ClassTables {
  const calibration = likelihoods?.likeliest === undefined ? [] : calibrationCurve(topClassSample(sample, likelihoods.likeliest))
  return { class_confusion: confusionMatrix(sample), top_class_calibration: calibration }
}
