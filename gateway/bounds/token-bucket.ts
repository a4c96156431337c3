export type TokenBucket = {
  /** Takes one token and returns 0, or takes none and returns the seconds until there is one. */
  take(): number
}

/** Holds up to `burst` tokens, which come back at the rate; full at first. `tick` is monotonic, in milliseconds. */
export function createTokenBucket(options: { requestsPerSecond: number; burst: number; tick: () => number }): TokenBucket {
  const { requestsPerSecond, burst, tick } = options
  let tokens = burst
  let countedAtMs = tick()
  return {
    take() {
      const nowMs = tick()
      tokens = Math.min(burst, tokens + ((nowMs - countedAtMs) / 1000) * requestsPerSecond)
      countedAtMs = nowMs
      if (tokens < 1) return (1 - tokens) / requestsPerSecond
      tokens--
      return 0
    },
  }
}
