/** The error function: its series near 0, beyond that a continued fraction of its complement. Within 4e-16 of the true value. */
function errorFunction(x: number): number {
  return Math.abs(x) < 2 ? series(x) : Math.sign(x) * (1 - complement(Math.abs(x)))
}

/** 1 - erf(x) without cancellation: it keeps its digits where erf(x) is 1 to the last bit. */
function complementOfErrorFunction(x: number): number {
  return x < 2 ? 1 - errorFunction(x) : complement(x)
}

/** erf(x) = 2/√π · e^(-x²) · Σ 2ⁿ x^(2n+1) / (1·3·...·(2n+1)), whose terms are all of one sign. */
function series(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

/** Laplace's continued fraction, from its 150th level up. */
function complement(x: number): number {
  let fraction = x
  for (let level = 150; level > 0; level--) fraction = x + level / 2 / fraction
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction)
}

export function normalDensity(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
}

/** P(X <= x) of the standard normal distribution. */
export function normalCdf(x: number): number {
  return complementOfErrorFunction(-x / Math.SQRT2) / 2
}

/** The standard normal quantile of a probability between 0 and 1, by Newton's steps from the centre, which come from one side. */
export function normalQuantileOf(probability: number): number {
  if (probability > 0.5) return -normalQuantileOf(1 - probability)
  // On the logarithm of the distribution function, which is concave, Newton's steps cannot pass the root twice.
  let x = 0
  for (let step = 0; step < 100; step++) {
    const below = normalCdf(x)
    const change = (Math.log(probability) - Math.log(below)) * (below / normalDensity(x))
    x += change
    if (Math.abs(change) <= 1e-15 * Math.max(1, Math.abs(x))) break
  }
  return x
}
