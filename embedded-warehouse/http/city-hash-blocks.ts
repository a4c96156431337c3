/*
 * The loop of CityHash128 over blocks of 128 bytes, in halves of 32 bits: BigInt makes garbage of each step. A number of 64 bits
 * is two names here, of which the one that ends in `h` is its upper half. Sums of lower halves are exact as doubles; what is over
 * 32 bits of them goes to the upper half. Written out, for calls would take most of the time.
 */

const k1 = 0xbe98f273 | 0
const k1h = 0xb492b66f | 0
const word = 2 ** 32

/** `state` holds x, y, z, v0, v1, w0, w1. Returns where the blocks end. */
export function mixBlocks(view: DataView, start: number, state: BigUint64Array): number {
  let [x, xh, y, yh, z, zh, v0, v0h, v1, v1h, w0, w0h, w1, w1h] = new Int32Array(state.buffer) as unknown as HalvesOfState
  let offset = start
  for (; view.byteLength - offset >= 128; offset += 128) {
    for (let half = offset; half < offset + 128; half += 64) {
      const m2 = view.getInt32(half + 16, true)
      const m2h = view.getInt32(half + 20, true)
      const m6 = view.getInt32(half + 48, true)
      const m6h = view.getInt32(half + 52, true)

      // x = rotate(x + y + v0 + m2, 37) * k1 ^ w1
      let sum = (x >>> 0) + (y >>> 0) + (v0 >>> 0) + (m2 >>> 0)
      let high = (xh + yh + v0h + m2h + ((sum / word) | 0)) | 0
      let low = sum | 0
      let turned = (high >>> 5) | (low << 27)
      x = Math.imul(turned, k1) ^ w1
      xh = upperOfProduct(turned, (low >>> 5) | (high << 27)) ^ w1h

      // y = rotate(y + v1 + m6, 42) * k1 ^ v0
      sum = (y >>> 0) + (v1 >>> 0) + (m6 >>> 0)
      high = (yh + v1h + m6h + ((sum / word) | 0)) | 0
      low = sum | 0
      turned = (high >>> 10) | (low << 22)
      y = Math.imul(turned, k1) ^ v0
      yh = upperOfProduct(turned, (low >>> 10) | (high << 22)) ^ v0h

      // z = rotate(z ^ w0, 33)
      low = z ^ w0
      high = zh ^ w0h
      z = (high >>> 1) | (low << 31)
      zh = (low >>> 1) | (high << 31)

      // a = v1 * k1 + m0; b = rotate(x + w0 + a + m3, 21); c = a + m1 + m2; v = [c + m3, b + rotate(c, 44) + a]
      sum = (Math.imul(v1, k1) >>> 0) + view.getUint32(half, true)
      let a = sum | 0
      let ah = (upperOfProduct(v1, v1h) + view.getInt32(half + 4, true) + ((sum / word) | 0)) | 0
      const m3 = view.getInt32(half + 24, true)
      const m3h = view.getInt32(half + 28, true)
      sum = (x >>> 0) + (w0 >>> 0) + (a >>> 0) + (m3 >>> 0)
      high = (xh + w0h + ah + m3h + ((sum / word) | 0)) | 0
      low = sum | 0
      let b = (low >>> 21) | (high << 11)
      let bh = (high >>> 21) | (low << 11)
      sum = (a >>> 0) + view.getUint32(half + 8, true) + (m2 >>> 0)
      let ch = (ah + view.getInt32(half + 12, true) + m2h + ((sum / word) | 0)) | 0
      let c = sum | 0
      sum = (c >>> 0) + (m3 >>> 0)
      v0 = sum | 0
      v0h = (ch + m3h + ((sum / word) | 0)) | 0
      turned = (ch >>> 12) | (c << 20)
      sum = (b >>> 0) + (turned >>> 0) + (a >>> 0)
      v1 = sum | 0
      v1h = (bh + ((c >>> 12) | (ch << 20)) + ah + ((sum / word) | 0)) | 0

      // a = z + w1 + m4; b = rotate(y + a + m7, 21); c = a + m5 + m6; w = [c + m7, b + rotate(c, 44) + a]
      sum = (z >>> 0) + (w1 >>> 0) + view.getUint32(half + 32, true)
      a = sum | 0
      ah = (zh + w1h + view.getInt32(half + 36, true) + ((sum / word) | 0)) | 0
      const m7 = view.getInt32(half + 56, true)
      const m7h = view.getInt32(half + 60, true)
      sum = (y >>> 0) + (a >>> 0) + (m7 >>> 0)
      high = (yh + ah + m7h + ((sum / word) | 0)) | 0
      low = sum | 0
      b = (low >>> 21) | (high << 11)
      bh = (high >>> 21) | (low << 11)
      sum = (a >>> 0) + view.getUint32(half + 40, true) + (m6 >>> 0)
      ch = (ah + view.getInt32(half + 44, true) + m6h + ((sum / word) | 0)) | 0
      c = sum | 0
      sum = (c >>> 0) + (m7 >>> 0)
      w0 = sum | 0
      w0h = (ch + m7h + ((sum / word) | 0)) | 0
      turned = (ch >>> 12) | (c << 20)
      sum = (b >>> 0) + (turned >>> 0) + (a >>> 0)
      w1 = sum | 0
      w1h = (bh + ((c >>> 12) | (ch << 20)) + ah + ((sum / word) | 0)) | 0

      const [lowX, highX] = [x, xh]
      x = z
      xh = zh
      z = lowX
      zh = highX
    }
  }
  new Int32Array(state.buffer).set([x, xh, y, yh, z, zh, v0, v0h, v1, v1h, w0, w0h, w1, w1h])
  return offset
}

type Halves = [number, number]
type HalvesOfState = [...Halves, ...Halves, ...Halves, ...Halves, ...Halves, ...Halves, ...Halves]

/** The upper half of a 64-bit number times k1. Its 16-bit quarters are multiplied, so that no product exceeds 32 bits, even with its carry. */
function upperOfProduct(low: number, high: number): number {
  const a = low & 0xffff
  const b = low >>> 16
  const c = k1 & 0xffff
  const d = k1 >>> 16
  const middle = (Math.imul(b, c) + (Math.imul(a, c) >>> 16)) | 0
  const rest = (Math.imul(a, d) + (middle & 0xffff)) | 0
  return (Math.imul(b, d) + (middle >>> 16) + (rest >>> 16) + Math.imul(low, k1h) + Math.imul(high, k1)) | 0
}
