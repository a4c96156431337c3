import { getFloat16, setFloat16 } from '@petamoriken/float16'

const view = new DataView(new ArrayBuffer(2))

/** The 16 bits of the nearest number in half precision (IEEE 754 binary16); beyond 65504 an infinity. */
export function toHalfBits(value: number): number {
  setFloat16(view, 0, value)
  return view.getUint16(0)
}

export function fromHalfBits(bits: number): number {
  view.setUint16(0, bits)
  return getFloat16(view, 0)
}
