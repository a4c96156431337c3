import { expect, it } from 'vitest'
import { type LatencyRound, latencyComparisons, rateOf, summariseLatencies, toLatencyText } from './latencies.ts'
import { summariseRates } from './result.ts'

const round = (ofMs: number, toMs: number): LatencyRound => ({
  of: { p50Ms: ofMs, p99Ms: ofMs * 10, failed: 1 },
  to: { p50Ms: toMs, p99Ms: toMs * 4, failed: 0 },
})
const rounds = [round(2, 1), round(3, 1), round(1, 1)]

it('divides within a round where a ratio is asked for, and subtracts where a difference is', () => {
  const half = summariseLatencies(latencyComparisons.half, { setup: '', perSecond: 100, rounds })
  expect(half.compared).toEqual({ median: 5, min: 2.5, max: 7.5 })
  expect(half.failed).toEqual({ of: 3, to: 0 })
  const alone = summariseLatencies(latencyComparisons.alone, { setup: 'v26', perSecond: undefined, rounds })
  expect(alone.compared).toEqual({ median: 1, min: 0, max: 2 })
  expect(toLatencyText(alone)).toContain('(v26)\n  2.00 [1.00, 3.00] and 1.00 [1.00, 1.00] ms: 1.00 [0.00, 2.00] ms   MISSED: at most 0.7')
})

it('takes the rate of an open loop from what the server of the same setup did', () => {
  const servers = [{ variant: 'shadowed', setup: 'v26' } as const]
  const result = { requestsPerSecond: 4_000, processorUs: 1, p50Ms: 1, p99Ms: 1, failed: 0 }
  const rates = summariseRates(servers, [{ 'shadowed (v26)': result }])
  expect(rateOf(latencyComparisons.shadow, rates, 'v26')).toBe(1_000)
  expect(rateOf(latencyComparisons.alone, rates, 'v26')).toBeUndefined()
})
