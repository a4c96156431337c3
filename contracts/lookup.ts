import { z } from 'zod'
import { columnName } from './primitives.ts'

/** `lookups/*.yaml`: a small fixed table from an id to a text, as airport to time zone. */
export const lookupDefinition = z.strictObject({
  name: columnName,
  description: z.string(),
  owner: z.string(),
  entity: columnName,
  values: z.record(z.string(), z.string()),
})
export type LookupDefinition = z.infer<typeof lookupDefinition>
