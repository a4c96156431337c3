/* global __ENV */
import { check } from 'k6'
import http from 'k6/http'

declare const __ENV: Record<string, string | undefined>

const url = __ENV['HINDSIGHT_URL'] ?? 'http://127.0.0.1:8080'
const rate = Number(__ENV['RATE'] ?? 200)
const durationSeconds = Number(__ENV['SECONDS'] ?? 30)
const budgetMs = Number(__ENV['BUDGET_MS'] ?? 100)

/** Open loop: requests arrive at `RATE` per second whether or not earlier ones were answered. */
export const options = {
  scenarios: {
    steady: { executor: 'constant-arrival-rate', rate, timeUnit: '1s', duration: `${durationSeconds}s`, preAllocatedVUs: 200, maxVUs: 400 },
  },
  thresholds: {
    http_req_failed: ['rate<0.001'],
    http_req_duration: [`p(99)<${budgetMs}`],
    dropped_iterations: ['count==0'],
    checks: ['rate==1'],
  },
}

const airports = ['ATL', 'ORD', 'DFW', 'LAX', 'PHX', 'IAH', 'DEN', 'SFO', 'DTW', 'STL']

export default function predictDeparture(): void {
  const origin = pick(airports)
  const destination = pick(airports.filter((airport) => airport !== origin))
  const body = JSON.stringify({ entities: { origin, destination }, features: { distance: 200 + Math.floor(Math.random() * 2000) } })
  const response = http.post(`${url}/v1/models/flight-delay/predict`, body, {
    headers: { 'content-type': 'application/json' },
    tags: { endpoint: 'predict' },
  })
  check(response, {
    'status is 200': (answer) => answer.status === 200,
    'has a prediction_id': (answer) => typeof answer.json('prediction_id') === 'string',
  })
}

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T
}
