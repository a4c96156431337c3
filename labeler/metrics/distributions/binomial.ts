/** The smallest k with P(X <= k) >= probability, for X binomial with n trials of `share`. */
export function binomialQuantile({ n, share, probability }: { n: number; share: number; probability: number }): number {
  const mean = n * share
  // Beyond twelve standard deviations (and 50 trials, for small n) lies less than a double can tell from 0.
  const reach = 12 * Math.sqrt(n * share * (1 - share)) + 50
  const first = Math.max(0, Math.floor(mean - reach))
  let logMass = logBinomial(n, first) + first * Math.log(share) + (n - first) * Math.log1p(-share)
  let cumulative = Math.exp(logMass)
  let k = first
  const logOdds = Math.log(share) - Math.log1p(-share)
  while (cumulative < probability && k < n) {
    logMass += Math.log((n - k) / (k + 1)) + logOdds
    k += 1
    cumulative += Math.exp(logMass)
  }
  return k
}

function logBinomial(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k)
}

/** The logarithm of n!: an exact sum up to 255, Stirling's series beyond. */
function logFactorial(n: number): number {
  if (n < 256) {
    let sum = 0
    for (let factor = 2; factor <= n; factor++) sum += Math.log(factor)
    return sum
  }
  return (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * n) - 1 / (360 * n ** 3)
}
