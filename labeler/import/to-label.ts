import { v5 as uuidv5 } from 'uuid'
import { toCanonicalJson } from '../../contracts/canonical-json.ts'
import { toFieldPath } from '../../contracts/errors.ts'
import { type LabelFields, labelFields } from '../../contracts/label-event.ts'
import { toTimestamp } from '../../contracts/primitives.ts'

/** Namespace of label ids that are made from a label's content. */
const contentNamespace = '2b0f3e0a-6a0e-5d0c-9d53-6d1f0c6f7a11'

export type LabelProblem = { code: string; path?: string; message: string }

/**
 * A record as a label. One without a label_id gets one made from its content, so that the same record, imported again,
 * is the same label.
 */
export function toLabel(record: Record<string, unknown>, defaultLabel?: string): LabelFields | { problem: LabelProblem } {
  const parsed = labelFields.safeParse(defaultLabel === undefined ? record : { label: defaultLabel, ...record })
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return { problem: { code: 'invalid_request', path: toFieldPath(issue?.path ?? []), message: issue?.message ?? 'is no label' } }
  }
  const fields = inUtc(parsed.data)
  return { ...fields, label_id: fields.label_id ?? uuidv5(toCanonicalJson(fields), contentNamespace) }
}

function inUtc(fields: LabelFields): LabelFields {
  const utc = { ...fields }
  for (const name of ['event_time', 'known_at', 'anchor_time'] as const) {
    const time = fields[name]
    if (time !== undefined) utc[name] = toTimestamp(Date.parse(time))
  }
  return utc
}
