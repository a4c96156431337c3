import { z } from 'zod'
import { columnName, valueType } from './primitives.ts'

export const eventValue = z.strictObject({
  type: valueType.default('number'),
  unit: z.string().optional(),
  min: z.number().optional().describe('Smallest value that is possible; below it an event is refused and kept in rejects.'),
  max: z.number().optional(),
  required: z.boolean().default(true),
  description: z.string().optional(),
})

/** `sources/*.yaml`: what may be posted to `/v1/events/{name}`, and which values are possible. */
export const eventSourceDefinition = z.strictObject({
  name: columnName,
  description: z.string(),
  owner: z.string(),
  keys: z.record(columnName, z.strictObject({ entity: columnName, description: z.string().optional() })),
  values: z.record(columnName, eventValue).default({}),
})
export type EventSourceDefinition = z.infer<typeof eventSourceDefinition>
