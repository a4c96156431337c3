import { v5 as uuidv5 } from 'uuid'
import { toCanonicalJson } from '../../contracts/canonical-json.ts'
import { toFieldPath } from '../../contracts/errors.ts'
import { type LabelFields, labelFields } from '../../contracts/label-event.ts'
import type { TimeOptions } from '../../platform/files/file-time.ts'
import { FieldProblem, toFields } from './to-fields.ts'

/** Namespace of label ids that are made from a label's content. */
const contentNamespace = '2b0f3e0a-6a0e-5d0c-9d53-6d1f0c6f7a11'

export type LabelProblem = { code: string; path?: string; message: string }

export type ToLabelOptions = TimeOptions & {
  /** The label of records that name none. */
  defaultLabel?: string | undefined
}

/**
 * A record as a label, its times in UTC. One without a label_id gets one made from its content, so that the same record, imported
 * again or from a file of another kind, is the same label.
 */
export function toLabel(record: Readonly<Record<string, unknown>>, options: ToLabelOptions = {}): LabelFields | { problem: LabelProblem } {
  const { defaultLabel, ...times } = options
  try {
    const parsed = labelFields.safeParse({ ...(defaultLabel !== undefined && { label: defaultLabel }), ...toFields(record, times) })
    if (parsed.success) return { ...parsed.data, label_id: parsed.data.label_id ?? uuidv5(toCanonicalJson(parsed.data), contentNamespace) }
    const [issue] = parsed.error.issues
    return { problem: { code: 'invalid_request', path: toFieldPath(issue?.path ?? []), message: issue?.message ?? 'is no label' } }
  } catch (error) {
    if (!(error instanceof FieldProblem)) throw error
    return { problem: { code: 'invalid_request', path: error.path, message: error.message } }
  }
}
