import { z } from 'zod'
import { maxUint32, opaqueId, timestamp } from './primitives.ts'

/**
 * Lanes keep kinds of traffic apart: each has its own files, bounds and sequence, so that a bulk import
 * never costs a prediction its place.
 */
export const lanes = ['predictions', 'labels', 'feature_events', 'batch_predictions'] as const
export const lane = z.enum(lanes)
export type Lane = z.infer<typeof lane>

/**
 * Where a record was first made durable. `epoch` rises at each opening of an outbox; `seq` starts at 1 and has
 * no gaps within `(writer_id, epoch, lane)`.
 */
export const origin = z.object({
  writer_id: opaqueId,
  epoch: z.int().positive().max(maxUint32),
  lane,
  seq: z.int().positive(),
})
export type Origin = z.infer<typeof origin>

/** Contiguous progress through one writer's epoch: everything up to and including `seq` is in. */
export const appliedPosition = z.object({
  writer_id: opaqueId,
  epoch: z.int().positive().max(maxUint32),
  seq: z.int().nonnegative(),
})
export type AppliedPosition = z.infer<typeof appliedPosition>

/** A record of a lane that vouches for the records before it: written when the writer's UTC hour rises and at close. */
export const seal = z.looseObject({
  schema_version: z.literal(1),
  writer_id: opaqueId,
  epoch: z.int().positive().max(maxUint32),
  lane,
  first_seq: z.int().positive(),
  last_seq: z.int().nonnegative(),
  count: z.int().nonnegative(),
  sealed_at: timestamp,
  reason: z.enum(['hour', 'close', 'recovery']),
})
export type Seal = z.infer<typeof seal>
