/* global __ENV */
import { check } from 'k6'
import http from 'k6/http'
import { Trend } from 'k6/metrics'
import { arrivals, predict, predictSlowly, settings, summaryTrendStats as stats, thresholds } from './predict.ts'

declare const __ENV: Record<string, string | undefined>

/** Turns of the slow model that take 100 ms on this machine; 0 for a run without it, to compare with. */
const turns = Number(__ENV['TURNS'] ?? 0)
const neighbours = 4
const livezMs = new Trend('livez_duration', true)

/** A small model's load, and probes of `/livez`, beside a model of 100 ms whose queue is never empty. */
export const options = {
  scenarios: {
    small: arrivals(settings.rate, settings.seconds),
    livez: arrivals(20, settings.seconds, { exec: 'probe' }),
    ...(turns > 0 && { slow: { executor: 'constant-vus', vus: neighbours, duration: `${settings.seconds}s`, exec: 'slow' } }),
  },
  thresholds: thresholds(settings.budgetMs, {
    http_req_duration: [],
    answered_duration: [],
    'answered_duration{model:flight-delay}': [`p(99)<${settings.budgetMs}`],
    livez_duration: [`p(99)<${settings.budgetMs}`],
  }),
  summaryTrendStats: stats,
}

export function probe(): void {
  const response = http.get(`${settings.url}/livez`)
  livezMs.add(response.timings.duration)
  check(response, { 'is alive': ({ status }) => status === 200 })
}

export function slow(): void {
  predictSlowly(turns)
}

export default (): void => predict()
