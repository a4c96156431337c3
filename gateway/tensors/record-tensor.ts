import { sha256Hex } from '../../contracts/canonical-json.ts'
import type { RecordedTensor } from '../../contracts/prediction-event.ts'
import { fromHalfBits } from './half.ts'
import { encodeBinaryTensor } from './binary-tensor.ts'
import type { V2Tensor } from './v2-tensor.ts'

type Element = number | string | boolean

/** A tensor of more elements, or texts of more characters in all, is recorded by its digest. */
const most = { elements: 1024, characters: 8 * 1024 }
/** The excerpt of a tensor that is recorded by its digest: its first elements, and the beginning of each text. */
const shown = { elements: 16, characters: 64 }

/** One instance's tensor as its event keeps it, bounded. */
export function recordTensor(tensor: V2Tensor): RecordedTensor {
  const { name, datatype, shape, data } = tensor
  // The fields are in the order of their keys, as in the rest of the event.
  const whole = () => Array.from(data as ArrayLike<unknown>, (value) => toElement(datatype, value))
  if (!isLong(data)) return { data: whole(), datatype, name, shape: [...shape] }
  const bytes = encodeBinaryTensor(tensor)
  const first = Array.from(data.slice(0, shown.elements) as ArrayLike<unknown>, (value) => shorten(toElement(datatype, value)))
  return { bytes: bytes.byteLength, datatype, excerpt: first, name, sha256: sha256Hex(bytes), shape: [...shape] }
}

function isLong(data: V2Tensor['data']): boolean {
  if (data.length > most.elements) return true
  return Array.isArray(data) && data.reduce((sum, text) => sum + text.length, 0) > most.characters
}

function toElement(datatype: V2Tensor['datatype'], value: unknown): Element {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'number') return value as string
  if (datatype === 'FP16') return toElement('FP32', fromHalfBits(value))
  if (datatype === 'BOOL') return value === 1
  return Number.isNaN(value) ? 'NaN' : value
}

function shorten(element: Element): Element {
  return typeof element === 'string' ? element.slice(0, shown.characters).replace(/[\uD800-\uDBFF]$/, '') : element
}
