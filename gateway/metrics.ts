import type { Meter } from '@opentelemetry/api'
import type { EventLogWriter } from '../platform/event-log/event-log.ts'

/** From 50 µs, because a stage often takes less than a millisecond. */
const millisecondBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]

export type Stage = 'features' | 'queue' | 'inference' | 'outbox'

/** `bounds` are those of each lane. */
export type OutboxSource = { eventLog: EventLogWriter; bounds: { maxBytes: number; maxAgeMs: number }; now: () => number }

export type GatewayMetrics = {
  request(labels: { route: string; method: string; status: number; code: string }, elapsedMs: number): void
  prediction(labels: { model: string; version: string; route: string; status: string; code: string }, count: number): void
  stage(labels: { model: string; version: string; stage: Stage }, elapsedMs: number): void
  storeRead(outcome: 'answered' | 'late' | 'failed'): void
  items(labels: { kind: string; outcome: 'accepted' | 'rejected' }, count: number): void
  observeOutbox(source: OutboxSource): void
  observeInFlight(read: () => { requests: number; background: number }): void
}

export function createGatewayMetrics(meter: Meter): GatewayMetrics {
  const histogram = (name: string, description: string) =>
    meter.createHistogram(name, { description, unit: 'ms', advice: { explicitBucketBoundaries: millisecondBuckets } })
  const requests = meter.createCounter('hindsight_http_requests', { description: 'Requests answered, by route, status and error code.' })
  const requestMs = histogram('hindsight_http_request_duration', 'From receipt of a request to its answer.')
  const predictions = meter.createCounter('hindsight_predictions', { description: 'Instances, by model, version, route and status.' })
  const stageMs = histogram('hindsight_predict_stage_duration', 'Time of one stage of a predict request.')
  const storeReads = meter.createCounter('hindsight_online_store_reads', {
    description: 'Reads of the online store by predict requests; late: given up, to leave time for the answer.',
  })
  const items = meter.createCounter('hindsight_ingested_items', { description: 'Labels and feature events, by outcome.' })
  return {
    request(labels, elapsedMs) {
      requests.add(1, labels)
      requestMs.record(elapsedMs, { route: labels.route })
    },
    prediction: (labels, count) => predictions.add(count, labels),
    stage: (labels, elapsedMs) => stageMs.record(elapsedMs, labels),
    storeRead: (outcome) => storeReads.add(1, { outcome }),
    items: (labels, count) => {
      if (count > 0) items.add(count, labels)
    },
    observeOutbox: (source) => observeOutbox(meter, source),
    observeInFlight(read) {
      const gauge = meter.createObservableGauge('hindsight_in_flight', {
        description: 'Requests under way, and work that no answer waits for.',
      })
      gauge.addCallback((result) => {
        const { requests, background } = read()
        result.observe(requests, { kind: 'request' })
        result.observe(background, { kind: 'background' })
      })
    },
  }
}

/** From the writer's last look at its files, at most a second ago: collecting reads nothing. */
function observeOutbox(meter: Meter, { eventLog, bounds, now }: OutboxSource): void {
  const gauge = (name: string, description: string, unit?: string) =>
    meter.createObservableGauge(`hindsight_outbox_${name}`, { description, ...(unit !== undefined && { unit }) })
  const gauges = {
    bytes: gauge('bytes', "Bytes of a lane's segments on disk.", 'By'),
    maxBytes: gauge('max_bytes', 'The bound on them, from which on the lane is answered 503.', 'By'),
    segments: gauge('segments', "A lane's segments on disk."),
    depth: gauge('depth_records', 'Durable records that some consumer has yet to confirm.'),
    age: gauge('age_seconds', 'Age of the oldest of them; 0 when there is none.', 's'),
    maxAge: gauge('max_age_seconds', 'The bound on it, from which on the lane is answered 503.', 's'),
    waiting: gauge('waiting_records', 'Records appended and not yet durable.'),
  }
  meter.addBatchObservableCallback((result) => {
    for (const { lane, ...status } of eventLog.status()) {
      const { oldestUnconfirmedAtMs: oldestAtMs } = status
      const observe = (of: keyof typeof gauges, value: number) => result.observe(gauges[of], value, { lane })
      observe('bytes', status.bytes)
      observe('maxBytes', bounds.maxBytes)
      observe('segments', status.segments)
      observe('depth', status.unconfirmed)
      observe('age', oldestAtMs === undefined ? 0 : Math.max(0, now() - oldestAtMs) / 1000)
      observe('maxAge', bounds.maxAgeMs / 1000)
      observe('waiting', status.lastSeq - status.durableSeq)
    }
  }, Object.values(gauges))
}
