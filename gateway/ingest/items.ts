import { z } from 'zod'
import { limits } from '../../contracts/http.ts'
import { validate } from '../http/validate.ts'

export type Items<Fields> = {
  fields: Fields[]
  sent: unknown[]
  dryRun: boolean
  /** Whether the body is a list of items. */ isList: boolean
}

/**
 * The items of a body that is one item or lists several under `field`. Any item of the wrong shape refuses the whole,
 * with its index in the path.
 */
export function parseItems<Schema extends z.ZodType>(item: Schema, options: { field: string; body: unknown }): Items<z.output<Schema>> {
  const { field, body } = options
  const { dry_run: dryRun = false, ...rest } = isRecord(body) ? body : { dry_run: false }
  const isDryRun = validate(z.object({ dry_run: z.boolean() }), { dry_run: dryRun }).dry_run
  if (!isRecord(body) || !Object.hasOwn(body, field))
    return { fields: [validate(item, isRecord(body) ? rest : body)], sent: [rest], dryRun: isDryRun, isList: false }
  const list = validate(z.strictObject({ [field]: z.array(item).min(1).max(limits.items) }), rest)
  return { fields: list[field] as z.output<Schema>[], sent: body[field] as unknown[], dryRun: isDryRun, isList: true }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
