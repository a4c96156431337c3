/* global __ENV */
import { check } from 'k6'
import http from 'k6/http'
import { Counter, Trend } from 'k6/metrics'

declare const __ENV: Record<string, string | undefined>

/** The settings that a run's environment gives; each scenario may have a rate and a duration of its own. */
export const settings = {
  url: __ENV['HINDSIGHT_URL'] ?? 'http://127.0.0.1:8080',
  rate: Number(__ENV['RATE'] ?? 200),
  seconds: Number(__ENV['SECONDS'] ?? 30),
  /** How many predictions each request asks for. */
  instances: Number(__ENV['INSTANCES'] ?? 1),
  budgetMs: Number(__ENV['BUDGET_MS'] ?? 100),
  /** The tag of every prediction, by which its rows are found. */
  tag: __ENV['TAG'] ?? 'loadtest',
  /** The key that is sent as a bearer token where the gateway asks for one. */
  key: __ENV['HINDSIGHT_API_KEY'],
}

/** Predictions that were answered with one, and those that the gateway would not take. */
export const answered = new Counter('answered')
export const refused = new Counter('refused')
/** The durations of answered requests alone: a refusal is quick, and would flatter. */
export const answeredMs = new Trend('answered_duration', true)

// The statuses that a gateway may answer with when there is more than it can do. Any other counts as failed.
http.setResponseCallback(http.expectedStatuses(200, 429, 503))

const airports = ['ATL', 'ORD', 'DFW', 'LAX', 'PHX', 'DEN', 'MSP', 'DTW', 'SFO', 'SEA']
const departure = '2001-06-04T12:00:00.000Z'

/** Sends one request; where `mayRefuse` is left out, a refusal is a failed check. */
export function predict({ mayRefuse = false } = {}): void {
  const { instances } = settings
  send('flight-delay', instances === 1 ? anyFlight() : { instances: Array.from({ length: instances }, anyFlight) }, mayRefuse)
}

function anyFlight() {
  const origin = pick(airports)
  const destination = pick(airports.filter((airport) => airport !== origin))
  const features = { distance: 200 + Math.floor(Math.random() * 2000) }
  return { entities: { origin, destination }, anchor_time: departure, features, tags: [settings.tag] }
}

/** Asks for one prediction of the slow model that `npm run loadtest` adds to the example project. */
export function predictSlowly(turns: number): void {
  send('slow', { features: { turns }, tags: [settings.tag] }, true)
}

function send(model: string, body: object, mayRefuse: boolean): void {
  const response = http.post(`${settings.url}/v1/models/${model}/predict`, JSON.stringify(body), {
    headers: { 'content-type': 'application/json', ...(settings.key !== undefined && { authorization: `Bearer ${settings.key}` }) },
    tags: { model },
    timeout: '10s',
  })
  const isRefused = response.status === 429 || response.status === 503
  if (response.status === 200) {
    answered.add(1)
    answeredMs.add(response.timings.duration, { model })
  }
  if (isRefused) refused.add(1)
  check(response, {
    'is answered, or refused where it may be': ({ status }) => status === 200 || (mayRefuse && isRefused),
    'an answer has a prediction_id': ({ status, body: text }) =>
      status !== 200 || (typeof text === 'string' && text.includes('"prediction_id":"')),
    'a refusal says when to come again': ({ headers }) => !isRefused || Number(headers['Retry-After']) >= 1,
  })
}

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T
}

/** Open loop: requests arrive at a rate whether or not earlier ones were answered. Enough virtual users that none is dropped. */
export function arrivals(rate: number, seconds: number, more: { startTime?: string; exec?: string } = {}) {
  const users = Math.max(50, Math.ceil(rate))
  return {
    executor: 'constant-arrival-rate',
    rate,
    timeUnit: '1s',
    duration: `${seconds}s`,
    preAllocatedVUs: users,
    maxVUs: users * 2,
    ...more,
  } as const
}

/** What every run is held to. `answeredP99Ms` is the budget of those that were answered. */
export function thresholds(answeredP99Ms: number, more: Record<string, string[]> = {}) {
  return {
    http_req_failed: ['rate<0.001'],
    http_req_duration: [`p(99)<${answeredP99Ms}`],
    answered_duration: [`p(99)<${answeredP99Ms}`],
    dropped_iterations: ['count==0'],
    checks: ['rate==1'],
    answered: ['count>0'],
    ...more,
  }
}

export const summaryTrendStats = ['med', 'p(95)', 'p(99)', 'max']
