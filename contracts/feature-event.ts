import { z } from 'zod'
import { canonicalHash } from './canonical-json.ts'
import { columnName, entityId, opaqueId, scalar, sha256, tenant, timestamp } from './primitives.ts'

/** What a client may say: `values` and `keys` as the source's definition lists them. */
export const featureEventFields = z.strictObject({
  event_id: opaqueId.optional(),
  keys: z.record(columnName, entityId),
  values: z.record(columnName, scalar).optional(),
  event_time: timestamp,
  known_at: timestamp.optional(),
  retracts: opaqueId.optional().describe('The event_id this event withdraws, from its own known_at on.'),
})
export type FeatureEventFields = z.infer<typeof featureEventFields>

export const featureEventV1 = z.looseObject({
  schema_version: z.literal(1),
  event_id: opaqueId,
  tenant,
  payload_hash: sha256,
  source: columnName,
  keys: z.record(columnName, opaqueId),
  values: z.record(columnName, scalar),
  event_time: timestamp,
  known_at: timestamp,
  ingested_at: timestamp,
  retracts: opaqueId.optional(),
})

/** One fact that features are computed from. */
export type FeatureEvent = z.infer<typeof featureEventV1>

/** A client's item that has the right shape but breaks its definition: kept, so that nothing vanishes. */
export const rejectedItemV1 = z.looseObject({
  schema_version: z.literal(1),
  tenant,
  kind: z.enum(['label', 'feature_event']),
  name: z.string().describe('The label or source it was sent to.'),
  code: z.string(),
  path: z.string().optional(),
  message: z.string(),
  item: z.unknown().describe('What was sent, whole.'),
  ingested_at: timestamp,
})
export type RejectedItem = z.infer<typeof rejectedItemV1>

export function featureEventPayloadHash(source: string, fields: FeatureEventFields): string {
  return canonicalHash({ source, ...fields })
}
