import type { AcceptedResponse, PredictResponse } from '../../../contracts/http.ts'
import type { Random } from '../random.ts'
import type { HttpClient } from './http-client.ts'
import { type Attempt, createLedger, type Ledger } from './ledger.ts'
import { eventOf, labelOf, predictionOf } from './requests.ts'

export type Load = {
  ledger: Ledger
  /** Stops sending and resolves once everything sent was answered, refused or given up. */
  stop(): Promise<void>
}

/** How many are sent per second, however long answers take. */
export type Rates = { predictions: number; labels: number; events: number }

const tickMs = 5

/** An open loop: what is due is sent whether or not earlier requests were answered, each once, under an id of its own. */
export function startLoad(options: { client: HttpClient; random: Random; prefix: string; rates: Rates }): Load {
  const { client, random, prefix, rates } = options
  const ledger = createLedger(prefix)
  const underWay = new Set<Promise<void>>()
  const startedAt = performance.now()
  const counts = { predictions: 0, labels: 0, events: 0 }

  function send<Sent, Answer>(attempt: Attempt<Sent, Answer>, request: { path: string; body: unknown; dueAt: number }): void {
    const done = client.post(request.path, request.body).then(
      ({ status, body }) => {
        if (status < 200 || status > 299) attempt.refusedWith = String(status)
        else Object.assign(attempt, { answer: body as Answer, latencyMs: performance.now() - request.dueAt })
      },
      (error: NodeJS.ErrnoException) => void (attempt.refusedWith = error.code?.toString() ?? error.message),
    )
    underWay.add(done)
    void done.finally(() => underWay.delete(done))
  }

  function sendPrediction(id: string, dueAt: number): void {
    const attempt: Attempt<ReturnType<typeof predictionOf>, PredictResponse> = { id, sent: predictionOf(random) }
    ledger.predictions.set(id, attempt)
    const body = { request_id: id, ...attempt.sent, options: { return_features: true } }
    send(attempt, { path: '/v1/models/flight-delay/predict', body, dueAt })
  }

  function sendLabel(id: string, dueAt: number): void {
    const target = `${prefix}p${random.int(0, Math.max(0, counts.predictions - 1))}`
    const attempt: Attempt<ReturnType<typeof labelOf>, AcceptedResponse> = { id, sent: labelOf(random, target) }
    ledger.labels.set(id, attempt)
    send(attempt, { path: '/v1/labels', body: { label_id: id, ...attempt.sent }, dueAt })
  }

  function sendEvent(id: string, dueAt: number): void {
    const attempt: Attempt<ReturnType<typeof eventOf>, AcceptedResponse> = { id, sent: eventOf(random) }
    ledger.events.set(id, attempt)
    send(attempt, { path: '/v1/events/flight_landed', body: { event_id: id, ...attempt.sent }, dueAt })
  }

  const kinds = { predictions: sendPrediction, labels: sendLabel, events: sendEvent }
  function sendDue(): void {
    for (const kind of ['predictions', 'labels', 'events'] as const) {
      const everyMs = 1000 / rates[kind]
      for (let dueAt = startedAt + counts[kind] * everyMs; dueAt <= performance.now(); dueAt += everyMs)
        kinds[kind](`${prefix}${kind.charAt(0)}${counts[kind]++}`, dueAt)
    }
  }

  const timer = setInterval(sendDue, tickMs)
  return {
    ledger,
    async stop() {
      clearInterval(timer)
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}
