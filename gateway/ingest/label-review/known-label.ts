import { sha256Hex, toCanonicalJson } from '../../../contracts/canonical-json.ts'
import type { LabelFields } from '../../../contracts/label-event.ts'

/** What the gateway needs to know of a label that was stored before. */
export type KnownLabel = {
  hash: string
  label: string
  /** The kind of the target, and a hash of whom it names. */
  target: string
  /** The value as people are shown it. */
  value: string
  ingestedAt: string
}

type Target = Pick<LabelFields, 'prediction_id' | 'request_id' | 'entities'>
type Value = Pick<LabelFields, 'value_number' | 'value_text' | 'retracted'>

const longestValue = 128

export function toTarget({ prediction_id, request_id, entities }: Target): string {
  const [kind, id] =
    prediction_id !== undefined ? ['p', prediction_id] : request_id !== undefined ? ['r', request_id] : ['e', entities ?? {}]
  return `${kind}${sha256Hex(toCanonicalJson(id)).slice(0, 16)}`
}

export function toValueText({ value_number: number, value_text: text, retracted }: Value): string {
  if (retracted === true) return 'a retraction'
  return number !== undefined ? String(number) : JSON.stringify((text ?? '').slice(0, longestValue))
}

/** Whether two targets of a kind name different things; targets named in different ways may be the same. */
export function isOtherTarget(one: string, other: string): boolean {
  return one[0] === other[0] && one !== other
}
