import { z } from 'zod'
import { canonicalHash } from './canonical-json.ts'
import { columnName, entityId, instanceIndex, opaqueId, sha256, tags, tenant, timestamp, uuid } from './primitives.ts'

/** The kinds of sources, strongest first: the strongest that has a value wins. */
export const labelSourceKinds = ['outcome', 'human', 'proxy', 'teacher', 'weak'] as const

/** The largest number that a label may have, positive or negative: squares of it, and sums of those, are still finite. */
export const mostLabelNumber = 1e100

export const labelSource = z.strictObject({
  kind: z.enum(labelSourceKinds),
  name: z.string().min(1).max(128),
  labeler: z.string().min(1).max(128).optional(),
})

const targetFields = {
  prediction_id: uuid.optional(),
  request_id: opaqueId.optional(),
  index: instanceIndex.optional(),
  entities: z.record(columnName, entityId).optional(),
  anchor: columnName.optional(),
  anchor_time: timestamp.optional(),
}

/** What a client may say about an outcome. Exactly one of prediction_id, request_id and entities names the target. */
export const labelFields = z.strictObject({
  label_id: opaqueId.optional(),
  label: columnName,
  ...targetFields,
  value_number: z.number().optional().describe('From -1e100 to 1e100.'),
  value_text: z.string().max(1024).optional(),
  event_time: timestamp.describe('When the outcome happened.'),
  known_at: timestamp.optional().describe('When it could first be known; our receipt if left out.'),
  source: labelSource.optional(),
  confidence: z.number().min(0).max(1).optional(),
  supersedes: opaqueId.optional(),
  retracted: z.boolean().optional(),
  tags: tags.optional(),
})
export type LabelFields = z.infer<typeof labelFields>

export const labelEventV1 = z.looseObject({
  schema_version: z.literal(1),
  label_id: opaqueId,
  tenant,
  payload_hash: sha256.describe('SHA-256 over the RFC 8785 form of the validated client fields, times in UTC milliseconds.'),
  label: columnName,
  ...targetFields,
  entities: z.record(columnName, opaqueId).optional(),
  value_number: z.number().optional(),
  value_text: z.string().optional(),
  event_time: timestamp,
  known_at: timestamp,
  ingested_at: timestamp,
  source: z.looseObject(labelSource.shape),
  confidence: z.number().optional(),
  supersedes: opaqueId.optional(),
  retracted: z.boolean(),
  tags,
})

/** One statement about an outcome. The ledger is append-only: a correction is a new event. */
export type LabelEvent = z.infer<typeof labelEventV1>

export function labelPayloadHash(fields: LabelFields): string {
  return canonicalHash(fields)
}
