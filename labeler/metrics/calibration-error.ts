import { type Estimate, undefinedEstimate } from './estimate.ts'
import { createNormalSampler } from './normal-sampler.ts'
import type { Scored } from './scored.ts'

const binCount = 10
const resamples = 1000

/**
 * Expected calibration error over ten equal bins [0, 0.1) ... [0.9, 1]: Σ |Σ outcome - Σ probability| / n. The
 * interval is a basic (reversed) bootstrap of the bins' sums as normal variables, with a fixed seed, widened to hold
 * the value: noise alone makes the error positive, so resampled values lie above it.
 */
export function expectedCalibrationError({ scores, outcomes }: Scored): Estimate {
  const n = scores.length
  if (n === 0) return undefinedEstimate(0)
  const bins = binsOf({ scores, outcomes })
  const value = errorOf(
    bins.map((bin) => bin.sum),
    n,
  )
  const normal = createNormalSampler(20_010_604)
  const drawn = Float64Array.from({ length: resamples }, () => {
    return errorOf(
      bins.map((bin) => bin.sum + Math.sqrt(bin.squares - bin.sum ** 2 / Math.max(bin.count, 1)) * normal()),
      n,
    )
  }).sort()
  const at = (share: number) => drawn[Math.round(share * (resamples - 1))] ?? value
  return {
    ...{ value, n, method: 'binned_bootstrap' },
    lower: Math.min(value, Math.max(0, 2 * value - at(0.975))),
    upper: Math.max(value, 2 * value - at(0.025)),
  }
}

type Bin = { count: number; sum: number; squares: number }

function binsOf({ scores, outcomes }: Scored): Bin[] {
  const bins = Array.from({ length: binCount }, (): Bin => ({ count: 0, sum: 0, squares: 0 }))
  for (const [row, score] of scores.entries()) {
    const bin = bins[Math.min(Math.max(Math.floor(score * binCount), 0), binCount - 1)]
    const difference = (outcomes[row] ?? 0) - score
    if (bin === undefined) continue
    bin.count += 1
    bin.sum += difference
    bin.squares += difference ** 2
  }
  return bins
}

function errorOf(sums: readonly number[], n: number): number {
  return sums.reduce((total, sum) => total + Math.abs(sum), 0) / n
}
