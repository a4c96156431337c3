import { expect, it } from 'vitest'
import { summarisePeers, type PeerRound } from './result.ts'

const rate = (requestsPerSecond: number, failed = 0) => ({ requestsPerSecond, p50Ms: 1, p99Ms: 2, failed })
const round = (fastapi: number, failed = 0): PeerRound => ({
  hindsight: rate(3_000),
  'hindsight-v2': rate(4_000),
  fastapi: rate(fastapi, failed),
  bentoml: rate(500),
  mlserver: rate(800),
})

it('divides by what the peer did in the same round, and takes the median over the rounds', () => {
  const { ratios } = summarisePeers([round(1_000), round(1_500), round(600)])
  expect(ratios.hindsightToFastapi).toEqual({ median: 3, min: 2, max: 5 })
  expect(ratios.hindsightToBentoml.median).toBe(6)
  expect(ratios.hindsightV2ToMlserver.median).toBe(5)
})

it('counts what failed in any round', () => {
  expect(summarisePeers([round(1_000, 2), round(1_000, 3)]).subjects.fastapi.failed).toBe(5)
})
