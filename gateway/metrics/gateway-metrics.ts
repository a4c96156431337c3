import { type Instruments, secondBounds } from '../../platform/service/instruments.ts'

/** `total` is from the arrival of a request until its events are durable, and not the sum of the others. */
export type Stage = 'features' | 'queue' | 'inference' | 'outbox' | 'total'

export type GatewayMetrics = {
  request(labels: { route: string; method: string; status: number; code: string }, elapsedMs: number): void
  prediction(labels: { model: string; version: string; route: string; status: string; code: string }, count: number): void
  stage(labels: { model: string; version: string; stage: Stage }, elapsedMs: number): void
  /** Counts an instance whose request id stood for another question before. */
  requestIdReused(model: string): void
  storeRead(outcome: 'answered' | 'late' | 'failed', count: number): void
  items(labels: { kind: string; outcome: 'accepted' | 'rejected' }, count: number): void
  labelWarning(code: string): void
  labelLookup(labels: { source: 'store' | 'warehouse' | 'predictions'; outcome: 'answered' | 'late' | 'failed' | 'busy' }): void
  unanswered(labels: { model: string; reason: string }, count: number): void
  delivered(labels: { model: string }, count: number): void
  /** Counts a request with a key; `outcome` is an error code where it was refused. */
  idempotent(outcome: string): void
}

export function createGatewayMetrics({ counter, histogram }: Instruments): GatewayMetrics {
  const requests = counter({
    name: 'hindsight_http_requests_total',
    description: 'HTTP requests answered, by route, status and error code.',
    labels: ['route', 'method', 'status', 'code'],
  })
  const requestSeconds = histogram({
    name: 'hindsight_http_request_duration_seconds',
    description: 'Time from receipt of a request to its answer.',
    unit: 's',
    labels: ['route'],
    bounds: secondBounds,
  })
  const predictions = counter({
    name: 'hindsight_predictions_total',
    description: 'Predictions, one for each instance, by model, version, route and status.',
    labels: ['model', 'version', 'route', 'status', 'code'],
  })
  const stageSeconds = histogram({
    name: 'hindsight_predict_stage_duration_seconds',
    description: 'Time of one stage of a predict request; the stage total is from its arrival until its events are durable.',
    unit: 's',
    labels: ['model', 'version', 'stage'],
    bounds: secondBounds,
  })
  const storeReads = counter({
    name: 'hindsight_online_store_reads_total',
    description:
      'Predict requests that waited for a read of the online store, by outcome: answered, failed, or late (given up, to leave time for the answer).',
    labels: ['outcome'],
  })
  const idsReused = counter({
    name: 'hindsight_request_ids_reused_total',
    description: 'Instances whose request_id stood for another question before, among the last 100,000 ids of the process.',
    labels: ['model'],
  })
  const items = counter({
    name: 'hindsight_ingested_items_total',
    description: 'Labels and feature events that were sent, by outcome: accepted or rejected.',
    labels: ['kind', 'outcome'],
  })
  const labelWarnings = counter({
    name: 'hindsight_label_warnings_total',
    description: 'Labels that were accepted and may not mean what was meant, by the code of the warning.',
    labels: ['code'],
  })
  const labelLookups = counter({
    name: 'hindsight_label_lookups_total',
    description:
      'Lookups before labels are accepted, by source and outcome: of what stands under their ids (store, warehouse) and of the anchor times of what they name (predictions); without an answer (late, failed, or busy with another lookup) labels are accepted without it.',
    labels: ['source', 'outcome'],
  })
  const unanswered = counter({
    name: 'hindsight_predictions_unanswered_total',
    description: 'Recorded predictions that no caller was told of, by reason: deadline, client_gone or error.',
    labels: ['model', 'reason'],
  })
  const delivered = counter({
    name: 'hindsight_predictions_delivered_total',
    description: 'Predictions that a replay under their Idempotency-Key delivered, where no answer was known.',
    labels: ['model'],
  })
  const idempotent = counter({
    name: 'hindsight_idempotent_requests_total',
    description: 'Requests with an Idempotency-Key, by outcome: computed, replayed, or an error code.',
    labels: ['outcome'],
  })
  return {
    request({ route, method, status, code }, elapsedMs) {
      requests(route, method, String(status), code).add(1)
      requestSeconds(route).record(elapsedMs / 1000)
    },
    prediction: ({ model, version, route, status, code }, count) => predictions(model, version, route, status, code).add(count),
    stage: ({ model, version, stage }, elapsedMs) => stageSeconds(model, version, stage).record(elapsedMs / 1000),
    requestIdReused: (model) => idsReused(model).add(1),
    storeRead: (outcome, count) => {
      if (count > 0) storeReads(outcome).add(count)
    },
    items: ({ kind, outcome }, count) => {
      if (count > 0) items(kind, outcome).add(count)
    },
    labelWarning: (code) => labelWarnings(code).add(1),
    labelLookup: ({ source, outcome }) => labelLookups(source, outcome).add(1),
    unanswered: ({ model, reason }, count) => unanswered(model, reason).add(count),
    delivered: ({ model }, count) => delivered(model).add(count),
    idempotent: (outcome) => idempotent(outcome).add(1),
  }
}

/** Counts of what is under way at the moment of a scrape. */
export function observeInFlight({ observe }: Instruments, read: () => { requests: number; background: number }): void {
  const description = 'Requests under way, and background work that no answer waits for, by kind.'
  observe('gauge', { name: 'hindsight_in_flight', description, labels: ['kind'] }, () => {
    const { requests, background } = read()
    return [
      { labels: ['request'], value: requests },
      { labels: ['background'], value: background },
    ]
  })
}
