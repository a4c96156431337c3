import { v5 as uuidv5 } from 'uuid'
import { toCanonicalJson } from '../../contracts/canonical-json.ts'
import { ServiceError, toFieldPath } from '../../contracts/errors.ts'
import { type LabelFields, labelFields } from '../../contracts/label-event.ts'
import type { TimeOptions } from '../../platform/files/file-time.ts'
import { findDefinition } from './find-definition.ts'
import type { LabelDefinitions } from './label-value.ts'
import { toFields } from './to-fields.ts'

/** Namespace of label ids that are made from a label's content. */
const contentNamespace = '2b0f3e0a-6a0e-5d0c-9d53-6d1f0c6f7a11'

export type LabelProblem = { code: string; path?: string; message: string }

export type ToLabelOptions = TimeOptions & {
  /** The definitions of labels, by name. */
  definitions: LabelDefinitions
  /** The label of records that name none. */
  defaultLabel?: string | undefined
}

/**
 * A record as a label, its value as its definition's type has it and its times in UTC. One without a label_id gets one made from its
 * content, so that the same record, imported again or from a file of another kind, is the same label.
 */
export function toLabel(record: Readonly<Record<string, unknown>>, options: ToLabelOptions): LabelFields | { problem: LabelProblem } {
  const { definitions, defaultLabel, ...times } = options
  try {
    const label = record['label'] ?? defaultLabel
    const definition = findDefinition(label, definitions)
    const parsed = labelFields.safeParse({ ...toFields(record, { ...times, definition }), label })
    if (parsed.success) return { ...parsed.data, label_id: parsed.data.label_id ?? uuidv5(toCanonicalJson(parsed.data), contentNamespace) }
    const [issue] = parsed.error.issues
    return { problem: { code: 'invalid_request', path: toFieldPath(issue?.path ?? []), message: issue?.message ?? 'is no label' } }
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    const { code, message, path } = error
    return { problem: { code, message, ...(path !== undefined && { path }) } }
  }
}
