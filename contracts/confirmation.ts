import { z } from 'zod'
import { lane } from './origin.ts'
import { opaqueId } from './primitives.ts'

/** Runs of records of one writer, epoch and lane, ends included. */
export const confirmedRange = z.looseObject({
  writer_id: opaqueId,
  epoch: z.int().positive(),
  lane,
  first_seq: z.int().positive(),
  last_seq: z.int().positive(),
})
export type ConfirmedRange = z.infer<typeof confirmedRange>

/**
 * A logger says that these records are stored, as event, seal or reject: a fact that never ceases to hold, so it may come
 * twice, late or in any order, and if it is lost the records are published and confirmed again.
 */
export const confirmationV1 = z.looseObject({ schema_version: z.literal(1), ranges: z.array(confirmedRange) })
