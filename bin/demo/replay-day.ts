import { acceptedResponse } from '../../contracts/http.ts'
import { type HttpAnswer, codeOf, createHttpClient, type HttpClient } from './http-client.ts'
import type { Flight } from '../../models/flight-delay/train/flights.ts'
import { toFeatureEvent, toIdempotencyKey, toLabel, toPredictRequest } from './messages.ts'
import { model, type ReplayPlan, type ReplayStep } from './replay-plan.ts'
import type { StoredFlight, StoredIds } from './stored-ids.ts'

export type ReplayOptions = {
  plan: ReplayPlan
  gatewayUrl: string
  apiKey?: string
  /** The ids that an earlier run has stored already, which are not sent again. */
  stored: StoredIds
  /** How many requests are under way at once. */
  concurrency?: number
  signal?: AbortSignal
  onProgress?: (progress: ReplayProgress) => void
}

export type ReplayProgress = { done: number; total: number; simulatedAtMs: number }

export type RejectedItem = { id: string; code: string; message: string }

export type ReplayResult = {
  /** How many flights the plan has. */
  flights: number
  /** Flights that an earlier run had stored whole, and that were not sent again. */
  skipped: number
  /** Request ids sent in this run, and those of them that got an answer (a 2xx). */
  attempted: string[]
  answered: string[]
  /** How many requests were refused, by error code. */
  unanswered: Record<string, number>
  /** How often a request was sent again under its key, because the answer did not come or was that it may come later. */
  retries: number
  /** How many landings this run sent, those that the gateway refused included. */
  eventsSent: number
  eventsRejected: RejectedItem[]
  labelsSent: number
  labelsRejected: RejectedItem[]
  /** The latency of each answered request, in the order of the answers. */
  latenciesMs: number[]
  /** The time from the first landing to the last prediction. */
  predictingMs: number
  /** The time of the whole replay, the labels included. */
  elapsedMs: number
}

/** How many items a request has: about half of what a body may hold. */
const batchItems = 500

/** How often landings are sent again when the online store has not applied them in time. Their ids make that safe. */
const applyAttempts = 6

/**
 * Replays the plan through the public HTTP API in simulated time: the clock goes on only when the online store has
 * applied every landing of the step. Then the labels are sent.
 */
export async function replayDay(options: ReplayOptions): Promise<ReplayResult> {
  const { plan, stored, concurrency = 16 } = options
  const { gatewayUrl: baseUrl, apiKey, signal } = options
  const client = createHttpClient({ baseUrl, apiKey, signal, connections: concurrency })
  const result = emptyResult(plan, stored)
  const startedAt = performance.now()
  try {
    if (result.skipped < plan.flights.length) await replaySteps({ client, result, options, concurrency })
    result.predictingMs = performance.now() - startedAt
    await sendLabels({ client, result, options })
  } finally {
    client.close()
  }
  return { ...result, elapsedMs: performance.now() - startedAt }
}

type Replay = { client: HttpClient; result: ReplayResult; options: ReplayOptions }

/**
 * While one step is predicted the landings of the next are told: the windows end before each anchor, so nothing of the
 * future is seen, and the clock need not wait for the online store.
 */
async function replaySteps({ client, result, options, concurrency }: Replay & { concurrency: number }): Promise<void> {
  const { plan, stored, onProgress } = options
  const tell = async (step: ReplayStep | undefined): Promise<void> => {
    const landings = step?.landings.filter(({ id }) => !stored.events.has(id)) ?? []
    for (const batch of batches(landings)) await sendLandings(client, batch, result)
  }
  await tell(plan.steps[0])
  for (const [index, step] of plan.steps.entries()) {
    const departures = step.departures.filter(({ id }) => stored.predictions.get(id)?.isWhole !== true)
    const predicted = forEachConcurrently(departures, concurrency, (flight) =>
      predict({ client, flight, stored: stored.predictions.get(flight.id), result }),
    )
    await Promise.all([predicted, tell(plan.steps[index + 1])])
    onProgress?.({ done: result.skipped + result.attempted.length, total: plan.flights.length, simulatedAtMs: step.startMs })
  }
}

async function sendLandings(client: HttpClient, flights: readonly Flight[], result: ReplayResult): Promise<void> {
  result.eventsSent += flights.length
  for (let attempt = 1; attempt <= applyAttempts; attempt++) {
    const accepted = toAccepted(await client.post('/v1/events/flight_landed?wait=applied', { events: flights.map(toFeatureEvent) }))
    if (attempt === 1) result.eventsRejected.push(...accepted.rejected.map((item) => toRejected(flights[item.index]!, item)))
    if (accepted.applied !== false) return
  }
  throw new Error('the online store does not apply the landings: is the features service running?')
}

type Departure = { client: HttpClient; flight: Flight; stored: StoredFlight | undefined; result: ReplayResult }

async function predict({ client, flight, stored, result }: Departure): Promise<void> {
  result.attempted.push(flight.id)
  const idempotencyKey = toIdempotencyKey(flight, stored)
  const answer = await client.post(`/v1/models/${model}/predict`, toPredictRequest(flight), { idempotencyKey })
  result.retries += answer.tries - 1
  if (answer.status >= 200 && answer.status < 300) {
    result.answered.push(flight.id)
    result.latenciesMs.push(answer.latencyMs)
  } else {
    const code = codeOf(answer.body) ?? `http_${answer.status}`
    result.unanswered[code] = (result.unanswered[code] ?? 0) + 1
  }
}

/** Two replays of one plan as one: the second asked again what the first had left open. */
export function joinReplays(first: ReplayResult, second: ReplayResult): ReplayResult {
  const unanswered = { ...first.unanswered }
  for (const [code, count] of Object.entries(second.unanswered)) unanswered[code] = (unanswered[code] ?? 0) + count
  return {
    flights: first.flights,
    skipped: first.skipped,
    attempted: [...new Set([...first.attempted, ...second.attempted])],
    answered: [...new Set([...first.answered, ...second.answered])],
    unanswered,
    retries: first.retries + second.retries,
    eventsSent: first.eventsSent + second.eventsSent,
    eventsRejected: [...first.eventsRejected, ...second.eventsRejected],
    labelsSent: first.labelsSent + second.labelsSent,
    labelsRejected: [...first.labelsRejected, ...second.labelsRejected],
    latenciesMs: [...first.latenciesMs, ...second.latenciesMs],
    predictingMs: first.predictingMs + second.predictingMs,
    elapsedMs: first.elapsedMs + second.elapsedMs,
  }
}

/** Labels of the flights whose prediction is stored, or was answered in this run. */
async function sendLabels({ client, result, options: { plan, stored } }: Replay): Promise<void> {
  const answered = new Set(result.answered)
  const due = plan.flights.filter((flight) => plan.isPossible(flight) && (answered.has(flight.id) || stored.predictions.has(flight.id)))
  for (const batch of batches(due.filter(({ id }) => !stored.labels.has(id)))) {
    const { rejected } = toAccepted(await client.post('/v1/labels', { labels: batch.map(toLabel) }))
    result.labelsSent += batch.length
    result.labelsRejected.push(...rejected.map((item) => toRejected(batch[item.index]!, item)))
  }
}

function emptyResult(plan: ReplayPlan, stored: StoredIds): ReplayResult {
  const skipped = plan.flights.filter(({ id }) => stored.predictions.get(id)?.isWhole === true).length
  const none = {
    attempted: [],
    answered: [],
    unanswered: {},
    retries: 0,
    eventsSent: 0,
    eventsRejected: [],
    labelsSent: 0,
    labelsRejected: [],
  }
  return { flights: plan.flights.length, skipped, ...none, latenciesMs: [], predictingMs: 0, elapsedMs: 0 }
}

function toAccepted(answer: HttpAnswer) {
  if (answer.status === 202) return acceptedResponse.parse(answer.body)
  throw new Error(`the gateway answered ${answer.status}: ${JSON.stringify(answer.body)}`)
}

function toRejected(flight: Flight, { code, message }: { code: string; message: string }): RejectedItem {
  return { id: flight.id, code, message }
}

function batches<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / batchItems) }, (_, index) =>
    items.slice(index * batchItems, (index + 1) * batchItems),
  )
}

async function forEachConcurrently<T>(items: readonly T[], concurrency: number, act: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < items.length) await act(items[next++]!)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work))
}
