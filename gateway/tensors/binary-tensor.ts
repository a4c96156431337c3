import { elementBytes } from '../../contracts/v2.ts'
import { countElements, tensorFault, type V2Tensor, viewAs } from './v2-tensor.ts'

type TensorHeader = Pick<V2Tensor, 'name' | 'shape' | 'datatype'>

// A byte order mark belongs to the text: the model is given what was sent.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lengthBytes = 4

/** A tensor from the protocol's binary form: little-endian, a BYTES element behind its length in 32 bits. Throws with the tensor's name. */
export function decodeBinaryTensor(head: TensorHeader, bytes: Uint8Array): V2Tensor {
  const { name, shape, datatype } = head
  const count = countElements(shape)
  if (datatype === 'BYTES') return { ...head, data: decodeTexts(name, bytes, count) }
  const expected = count * elementBytes[datatype]
  if (bytes.byteLength !== expected)
    throw tensorFault(name, `shape [${shape.join(', ')}] of ${datatype} takes ${expected} bytes, not ${bytes.byteLength}`)
  if (datatype === 'BOOL' && bytes.some((byte) => byte > 1)) throw tensorFault(name, 'BOOL elements must be 0 or 1')
  // The bytes are copied, because nothing says that the tensor lies aligned in its body.
  return { ...head, data: viewAs(datatype, new Uint8Array(bytes).buffer) }
}

function decodeTexts(name: string, bytes: Uint8Array, count: number): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const texts: string[] = []
  let at = 0
  while (at < bytes.byteLength) {
    if (texts.length === count) throw tensorFault(name, `has bytes behind its ${count} elements`)
    const end = at + lengthBytes <= bytes.byteLength ? at + lengthBytes + view.getUint32(at, true) : Infinity
    if (end > bytes.byteLength) throw tensorFault(name, `element ${texts.length} ends behind the tensor`)
    texts.push(decodeText(name, bytes.subarray(at + lengthBytes, end)))
    at = end
  }
  if (texts.length !== count) throw tensorFault(name, `has ${texts.length} elements, its shape ${count}`)
  return texts
}

/** Decodes one BYTES element. */
export function decodeText(name: string, bytes: Uint8Array): string {
  const text = toText(name, bytes)
  if (text.includes('\0')) throw tensorFault(name, 'an element holds U+0000, and the tensors of this model hold text')
  return text
}

function toText(name: string, bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw tensorFault(name, 'is not UTF-8, and the tensors of this model hold text')
  }
}

export function encodeBinaryTensor({ data }: Pick<V2Tensor, 'data'>): Uint8Array {
  return Array.isArray(data) ? encodeTexts(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function encodeTexts(texts: readonly string[]): Uint8Array {
  const parts = texts.flatMap((text) => {
    const bytes = Buffer.from(text)
    const length = Buffer.alloc(lengthBytes)
    length.writeUInt32LE(bytes.byteLength)
    return [length, bytes]
  })
  return Buffer.concat(parts)
}
