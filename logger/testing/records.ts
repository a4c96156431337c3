import { canonicalHash } from '../../contracts/canonical-json.ts'
import { featureEventPayloadHash } from '../../contracts/feature-event.ts'
import { labelPayloadHash } from '../../contracts/label-event.ts'
import type { Lane, Seal } from '../../contracts/origin.ts'
import { encodePredictionEvent, type PredictionEvent } from '../../contracts/prediction-event.ts'
import { encodePredictionFate, type PredictionFate, type UnsealedPredictionFate } from '../../contracts/prediction-fate.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import type { LogRecord, LogRecordKind } from '../../platform/event-log/event-log.ts'

const sha = (digit: string) => digit.repeat(64)
const receivedAtMs = Date.UTC(2026, 0, 5, 12)

/** A UUIDv7 with a time and a number in it. */
export function uuid7(timeMs: number, n: number): string {
  const time = timeMs.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`
}

export function predictionEvent(n: number, changes: Partial<PredictionEvent> = {}): PredictionEvent {
  const { payload_hash: _, ...event } = {
    schema_version: 1,
    prediction_id: uuid7(receivedAtMs, n),
    decision_id: uuid7(receivedAtMs + 1, n),
    tenant: 'default',
    request_id: `request-${n}`,
    index: 0,
    question_sha256: canonicalHash({ question: n }),
    trigger: 'api',
    tags: ['demo'],
    model: 'flight-delay',
    model_version: '2',
    model_sha256: sha('a'),
    manifest_sha256: sha('b'),
    model_definition_sha256: sha('c'),
    feature_set_sha256: sha('d'),
    deployment_revision: 1,
    code_version: '0.1.0',
    route: 'champion',
    route_probability: 1,
    execution_provider: 'cpu',
    entities: { origin: 'ORD', destination: 'LAX' },
    anchor: 'request',
    anchor_time: '2001-06-04T12:00:00.000Z',
    features: [
      { name: 'distance', value: 1745, source: 'request', status: 'ok', definition: sha('e') },
      { name: 'carrier', value: 'AA', source: 'request', status: 'ok', definition: sha('e') },
      { name: 'holiday', value: false, source: 'request', status: 'ok', definition: sha('e') },
      { name: 'delay_mean', source: 'online', status: 'missing', reason: 'no_events', definition: sha('f') },
      {
        name: 'arrivals',
        value: 3,
        source: 'online',
        status: 'ok',
        event_time: '2001-06-04T11:30:00.000Z',
        age_ms: 1_800_000,
        definition: sha('f'),
      },
    ],
    features_as_of: [{ writer_id: 'gateway-1', epoch: 1, seq: 41 }],
    status: 'ok',
    outputs: { probability_late: 0.1 + 0.2 },
    decision: { value: 'on_time', threshold: 0.5 },
    warnings: [],
    ingested_at: toTimestamp(receivedAtMs),
    predicted_at: toTimestamp(receivedAtMs + 2),
    duration_us: { queue: 10, inference: 120 },
    purposes: ['operations'],
    retention_until: toTimestamp(receivedAtMs + 730 * 86_400_000),
    ...changes,
  } as PredictionEvent
  return JSON.parse(encodePredictionEvent(event)) as PredictionEvent
}

/** The record of what the caller of prediction `n` was told. */
export function fateEvent(n: number, changes: Partial<PredictionFate> = {}): object {
  const fate = {
    schema_version: 1,
    fate_id: uuid7(receivedAtMs + 9, n),
    prediction_id: uuid7(receivedAtMs, n),
    tenant: 'default',
    fate: 'unanswered',
    reason: 'deadline',
    ingested_at: toTimestamp(receivedAtMs + 9),
    retention_until: toTimestamp(receivedAtMs + 730 * 86_400_000),
    ...changes,
  } as UnsealedPredictionFate
  return JSON.parse(encodePredictionFate(fate)) as object
}

export function labelEvent(n: number, changes: object = {}): object {
  const fields = {
    label: 'arrived_late',
    prediction_id: uuid7(receivedAtMs, n),
    value_number: 1,
    event_time: '2001-06-04T15:00:00.000Z',
    ...changes,
  }
  return {
    schema_version: 1,
    label_id: `label-${n}`,
    tenant: 'default',
    payload_hash: labelPayloadHash(fields),
    retracted: false,
    tags: [],
    known_at: '2001-06-04T15:00:00.000Z',
    ingested_at: toTimestamp(receivedAtMs),
    source: { kind: 'outcome', name: 'api' },
    ...fields,
  }
}

export function featureEvent(n: number, changes: object = {}): object {
  const fields = {
    keys: { airport: 'ORD' },
    values: { delay: 12.5, note: 'gate', diverted: true },
    event_time: '2001-06-04T11:00:00.000Z',
    ...changes,
  }
  return {
    schema_version: 1,
    event_id: `event-${n}`,
    tenant: 'default',
    source: 'arrivals',
    payload_hash: featureEventPayloadHash('arrivals', fields),
    known_at: '2001-06-04T11:00:00.000Z',
    ingested_at: toTimestamp(receivedAtMs),
    ...fields,
  }
}

export function sealOf(first: number, last: number, changes: Partial<Seal> = {}): Seal {
  return {
    schema_version: 1,
    writer_id: 'gateway-1',
    epoch: 1,
    lane: 'predictions',
    sealed_at: toTimestamp(receivedAtMs),
    reason: 'hour',
    first_seq: first,
    last_seq: last,
    count: last - first + 1,
    ...changes,
  } as Seal
}

export function toRecord(
  payload: object | string | Uint8Array,
  at: { lane?: Lane; seq?: number; epoch?: number; writerId?: string; kind?: LogRecordKind; id?: string; settledThrough?: number } = {},
): LogRecord {
  const { lane = 'predictions', seq = 1, epoch = 1, writerId = 'gateway-1', kind = 'event', id = `id-${seq}`, settledThrough } = at
  const text = typeof payload === 'string' || payload instanceof Uint8Array ? payload : JSON.stringify(payload)
  return {
    origin: { writer_id: writerId, epoch, lane, seq },
    kind,
    id,
    appendedAtMs: receivedAtMs + seq,
    ...(settledThrough !== undefined && { settledThrough }),
    payload: typeof text === 'string' ? Buffer.from(text) : text,
  }
}
