import { z } from 'zod'
import { sha256Hex, toCanonicalJson } from './canonical-json.ts'
import { sha256, tenant, timestamp, uuid } from './primitives.ts'

/** What became of a prediction's answer. `delivered`: a replay brought the answer that its Idempotency-Key has. */
export const predictionFate = z.enum(['answered', 'unanswered', 'delivered'])

/**
 * Why a caller got no answer. `deadline`: it passed while the event was made durable. `client_gone`: the connection ended before
 * the last byte. `error`: the client was told of a failure in place of the answer.
 */
export const unansweredReason = z.enum(['deadline', 'client_gone', 'error'])
export type UnansweredReason = z.infer<typeof unansweredReason>

/** What is known of a prediction that somebody waited for. */
export const predictionFateState = z.enum(['answered', 'unanswered', 'unknown'])
export type PredictionFateState = z.infer<typeof predictionFateState>

export const predictionFateV1 = z.looseObject({
  schema_version: z.literal(1),
  fate_id: uuid.describe('UUIDv7, ours; never that of the prediction.'),
  prediction_id: uuid,
  tenant,
  fate: predictionFate.describe('Nearly every answered prediction has no record: the settled_through of later records says it.'),
  reason: unansweredReason.optional().describe('Why it is unanswered; absent otherwise.'),
  ingested_at: timestamp.describe('When the gateway knew.'),
  retention_until: timestamp.describe("The prediction's."),
  payload_hash: sha256.describe('SHA-256 over the RFC 8785 form of the record without this field.'),
})

/** What the client was told of one prediction: a record of its own, later in the lane, immutable as the prediction is. */
export type PredictionFate = z.infer<typeof predictionFateV1>

export type UnsealedPredictionFate = Pick<
  PredictionFate,
  'schema_version' | 'fate_id' | 'prediction_id' | 'tenant' | 'fate' | 'reason' | 'ingested_at' | 'retention_until'
>

/** The record's JSON with its `payload_hash`. */
export function encodePredictionFate(fate: UnsealedPredictionFate): string {
  const canonical = toCanonicalJson(fate)
  return `{"payload_hash":"${sha256Hex(canonical)}",${canonical.slice(1)}`
}
