import { expect, it } from 'vitest'
import { summarise, type Round } from './result.ts'
import { parseWrk } from './wrk.ts'

const stdout = `Running 4s test @ http://127.0.0.1:8080/
  1 threads and 32 connections
  Req/Sec    17.25k     1.1k   19.00k    72.50%
  Latency Distribution
     50%    1.74ms
     75%    2.10ms
     99%  812.00us
  69000 requests in 4.00s, 16.00MB read
  Non-2xx or 3xx responses: 1000
Requests/sec:  17250.00`

it('reads the rate of what was answered, and the latencies in milliseconds', () => {
  expect(parseWrk(stdout, 4)).toEqual({ requestsPerSecond: 17_000, p50Ms: 1.74, p99Ms: 0.812, failed: 1000 })
})

const rate = (requestsPerSecond: number) => ({ requestsPerSecond, p50Ms: 1, p99Ms: 2, failed: 0 })
const round = (durable: number): Round => ({
  'node-echo': rate(10_000),
  'committed-echo': rate(5_000),
  'hono-echo': rate(8_000),
  durable: rate(durable),
  'in-process': rate(3_600),
  unlogged: rate(4_000),
  shadowed: rate(2_000),
})

it('takes ratios within a round, and their median over the rounds', () => {
  const { ratios, variants } = summarise([round(1_000), round(3_000), round(2_000)])
  expect(variants.durable.requestsPerSecond).toEqual({ median: 2_000, min: 1_000, max: 3_000 })
  expect(ratios.durableToNodeEcho).toEqual({ median: 0.2, min: 0.1, max: 0.3 })
  expect(ratios.durableToUnlogged.median).toBe(0.5)
  expect(ratios.inProcessToUnlogged.median).toBe(0.9)
})
