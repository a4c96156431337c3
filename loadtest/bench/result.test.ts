import { expect, it } from 'vitest'
import { type Round, type Server, summariseRates, toRatesText } from './result.ts'
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

const result = (requestsPerSecond: number, processorUs: number) => ({ requestsPerSecond, processorUs, p50Ms: 1, p99Ms: 2, failed: 1 })
const servers: Server[] = [
  { variant: 'node-echo', setup: '' },
  { variant: 'durable', setup: '' },
  { variant: 'durable', setup: 'before' },
]
const round = (durable: number): Round => ({
  'node-echo': result(10_000, 20),
  durable: result(durable, 100_000 / durable),
  'durable (before)': result(500, 400),
})
const rounds = [round(1_000), round(4_000), round(2_000)]

it('takes ratios within a round, and their median over the rounds', () => {
  const summary = summariseRates(servers, rounds)
  expect(summary.servers['durable']?.requestsPerSecond).toEqual({ median: 2_000, min: 1_000, max: 4_000 })
  expect(summary.servers['durable']?.failed).toBe(3)
  expect(summary.ratios).toEqual([
    { of: 'durable', to: 'node-echo', figure: 'requestsPerSecond', times: { median: 0.2, min: 0.1, max: 0.4 }, goal: { least: 0.25 } },
    { of: 'durable', to: 'node-echo', figure: 'processorUs', times: { median: 2.5, min: 1.25, max: 5 }, goal: { most: 4.5 } },
    { of: 'durable', to: 'durable (before)', figure: 'requestsPerSecond', times: { median: 4, min: 2, max: 8 } },
    { of: 'durable', to: 'durable (before)', figure: 'processorUs', times: { median: 0.125, min: 0.0625, max: 0.25 } },
  ])
})

it('says which goal is reached and which is missed', () => {
  const text = toRatesText(servers, summariseRates(servers, rounds))
  expect(text).toMatch(/^durable to node-echo .*MISSED: at least 0.25$/m)
  expect(text).toMatch(/^processor time of durable to node-echo .*reached: at most 4.5$/m)
})
