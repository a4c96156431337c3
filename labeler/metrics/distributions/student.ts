import { normalQuantileOf } from './normal.ts'

/** From here on the expansion's first omitted term is below 1e-11. */
const manyDegrees = 500

/** The quantile of Student's t with a whole number of degrees of freedom, as SciPy's `t.ppf`. With `Infinity` it is the normal one. */
export function studentQuantile(probability: number, degrees: number): number {
  if (probability < 0.5) return -studentQuantile(1 - probability, degrees)
  if (degrees >= manyDegrees) return expansion(normalQuantileOf(probability), degrees)
  if (degrees === 1) return Math.tan(Math.PI * (probability - 0.5))
  if (degrees === 2) return ((2 * probability - 1) * Math.SQRT2) / (2 * Math.sqrt(probability * (1 - probability)))
  return solve(probability, degrees)
}

/** Cornish and Fisher's expansion in 1 / degrees (Abramowitz and Stegun 26.7.5). */
function expansion(x: number, degrees: number): number {
  if (degrees === Infinity) return x
  const x2 = x * x
  const g1 = (x * (x2 + 1)) / 4
  const g2 = (x * ((5 * x2 + 16) * x2 + 3)) / 96
  const g3 = (x * (((3 * x2 + 19) * x2 + 17) * x2 - 15)) / 384
  const g4 = (x * ((((79 * x2 + 776) * x2 + 1482) * x2 - 1920) * x2 - 945)) / 92_160
  return x + g1 / degrees + g2 / degrees ** 2 + g3 / degrees ** 3 + g4 / degrees ** 4
}

/** Halves the angle's bracket until a double has no finer one: the distribution function is a finite sum in θ = atan(t / √degrees). */
function solve(probability: number, degrees: number): number {
  const inside = 2 * probability - 1
  let [low, high] = [0, Math.PI / 2]
  for (let step = 0; step < 100 && high - low > 1e-16; step++) {
    const middle = (low + high) / 2
    if (withinAngle(middle, degrees) < inside) low = middle
    else high = middle
  }
  return Math.sqrt(degrees) * Math.tan((low + high) / 2)
}

/** P(|T| <= t) by its angle (Abramowitz and Stegun 26.7.3 and 26.7.4). */
function withinAngle(angle: number, degrees: number): number {
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)]
  const isOdd = degrees % 2 === 1
  let term = isOdd ? cos : 1
  let sum = degrees === 1 ? 0 : term
  for (let power = isOdd ? 3 : 2; power <= degrees - 2; power += 2) {
    term *= ((power - 1) / power) * cos * cos
    sum += term
  }
  return isOdd ? (2 / Math.PI) * (angle + sin * sum) : sin * sum
}
