import type { z } from 'zod'
import { toFieldPath } from '../../contracts/errors.ts'
import { featureEventV1, rejectedItemV1 } from '../../contracts/feature-event.ts'
import { labelEventV1 } from '../../contracts/label-event.ts'
import { origin, seal } from '../../contracts/origin.ts'
import { predictionEventV1 } from '../../contracts/prediction-event.ts'
import { predictionFateV1 } from '../../contracts/prediction-fate.ts'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import type { Disposition } from './disposition.ts'
import { toFeatureEventRow } from '../../platform/schema/rows/feature-event-row.ts'
import { toFateRow } from '../../platform/schema/rows/fate-row.ts'
import { toLabelRow } from '../../platform/schema/rows/label-row.ts'
import { toPredictionRow } from '../../platform/schema/rows/prediction-row.ts'
import { type RejectReason, toRejectRow } from '../../platform/schema/rows/reject-row.ts'
import { toSealRow } from '../../platform/schema/rows/seal-row.ts'
import { toColumnTime } from '../../platform/warehouse/column-time.ts'
import { toPayloadRow } from '../../platform/schema/rows/payload-row.ts'
import type { TableRow } from '../../platform/schema/rows/tables.ts'

/** The rows that a record becomes, or why it cannot become any. Never throws on what the record holds. */
export function decode(record: LogRecord): Disposition {
  if (!origin.safeParse(record.origin).success) return { kind: 'drop', reason: 'no origin' }
  const text = decodeText(record.payload)
  if (text === undefined) return dead({ code: 'invalid_json', message: 'the payload is not UTF-8' })
  const parsed = parseJson(text)
  if (parsed === undefined) return dead({ code: 'invalid_json', message: 'the payload is not a JSON object' })
  const version = parsed['schema_version']
  if (version !== 1) {
    const message = `schema_version is ${brief(version)}, and this build knows 1`
    return withTenant(dead({ code: 'unsupported_schema_version', message, path: 'schema_version' }), parsed)
  }
  return withTenant(decoderOf(record)({ record, text, parsed }), parsed)
}

type Input = { record: LogRecord; text: string; parsed: Record<string, unknown> }
type Decoder = (input: Input) => Disposition

function decoderOf({ kind, origin: { lane } }: LogRecord): Decoder {
  if (kind === 'seal') return decodeSeal
  if (kind === 'reject') return decodeReject
  if (kind === 'fate') return decodeFate
  if (lane === 'labels') return decodeLabel
  return lane === 'feature_events' ? decodeFeatureEvent : decodePrediction
}

const decodePrediction = decoder(
  predictionEventV1,
  (event, { record, text }) => {
    const { tenant, prediction_id, payload_hash } = event
    const key = { tenant, prediction_id, payload_hash, retention_until: toColumnTime(event.retention_until) }
    return [
      { table: 'bronze.prediction_events', row: toPredictionRow(event, record) },
      { table: 'bronze.prediction_payloads', row: toPayloadRow({ key, record, text }) },
    ]
  },
  (event) => event.retention_until,
)

const decodeFate = decoder(
  predictionFateV1,
  (fate, { record }) => [{ table: 'bronze.prediction_fates', row: toFateRow(fate, record) }],
  (fate) => fate.retention_until,
)

const decodeLabel = decoder(labelEventV1, (event, { record, text }) => {
  const { tenant, label_id, payload_hash } = event
  return [
    { table: 'bronze.label_events', row: toLabelRow(event, record) },
    { table: 'bronze.label_payloads', row: toPayloadRow({ key: { tenant, label_id, payload_hash }, record, text }) },
  ]
})

const decodeFeatureEvent = decoder(featureEventV1, (event, { record, text }) => {
  const { tenant, event_id, payload_hash } = event
  return [
    { table: 'bronze.feature_events', row: toFeatureEventRow(event, record) },
    { table: 'bronze.feature_payloads', row: toPayloadRow({ key: { tenant, event_id, payload_hash }, record, text }) },
  ]
})

const decodeSeal = decoder(seal, (value, { record }) => [{ table: 'bronze.seals', row: toSealRow(value, record) }])

const decodeReject = decoder(rejectedItemV1, (item, { record }) => {
  const { tenant, name, code, message, path } = item
  return [{ table: 'bronze.rejects', row: toRejectRow(record, { tenant, name, code, message, path }) }]
})

function decoder<Schema extends z.ZodType>(
  schema: Schema,
  toRows: (event: z.output<Schema>, input: Input) => TableRow[],
  retentionOf?: (event: z.output<Schema>) => string,
): Decoder {
  return (input) => {
    const result = schema.safeParse(input.parsed)
    if (result.success) {
      const rows = toRows(result.data, input)
      return retentionOf === undefined ? { kind: 'ok', rows } : { kind: 'ok', rows, retentionUntil: retentionOf(result.data) }
    }
    const issue = result.error.issues[0]!
    return dead({ code: 'invalid_event', message: issue.message, path: toFieldPath(issue.path) })
  }
}

function withTenant(disposition: Disposition, { tenant }: Record<string, unknown>): Disposition {
  if (disposition.kind !== 'dead' || typeof tenant !== 'string') return disposition
  return { ...disposition, reason: { ...disposition.reason, tenant: tenant.slice(0, 64) } }
}

function dead(reason: RejectReason): Disposition {
  return { kind: 'dead', reason }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeText(payload: Uint8Array): string | undefined {
  try {
    return utf8.decode(payload)
  } catch {
    return undefined
  }
}

function parseJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function brief(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value).slice(0, 40)
}
