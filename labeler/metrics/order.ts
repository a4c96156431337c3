/** Below this many rows a comparison sort is faster than counting digits. */
const fewRows = 600
const digitBits = 11
const buckets = 1 << digitBits

/**
 * Row numbers by value ascending, NaN last, equal values in the order they had: a radix sort on the bits of the doubles, since a
 * comparison sort of millions of rows costs seconds.
 *
 * @example
 * ```ts
 * import { orderByValue } from './order.ts'
 *
 * orderByValue(Float64Array.of(3, -Infinity, 2)) // => new Uint32Array([1, 2, 0])
 * ```
 */
export function orderByValue(values: Float64Array): Uint32Array {
  const rows = rowNumbers(values.length)
  if (values.length < fewRows) return rows.sort((a, b) => compare(values[a]!, values[b]!))
  const { low, high } = sortableBits(values)
  const sorted = [0, digitBits, 2 * digitBits].reduce((order, shift) => passOver(order, low, shift), rows)
  return [0, digitBits, 2 * digitBits].reduce((order, shift) => passOver(order, high, shift), sorted)
}

/** Row numbers by whole numbers ascending, rows of equal ones in the order that `order` has. */
export function orderByNumber(numbers: Uint32Array, order: Uint32Array): Uint32Array {
  return [0, digitBits, 2 * digitBits].reduce((sorted, shift) => passOver(sorted, numbers, shift), order)
}

export function rowNumbers(n: number): Uint32Array {
  const rows = new Uint32Array(n)
  for (let row = 0; row < n; row++) rows[row] = row
  return rows
}

/** Compares without a difference, because that of two infinities is NaN. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return a < b ? -1 : Number(a > b)
}

/** The doubles' bits as two unsigned halves in the order of the values; -0 is 0. */
function sortableBits(values: Float64Array): { low: Uint32Array; high: Uint32Array } {
  const n = values.length
  const copy = new Float64Array(n)
  for (let row = 0; row < n; row++) copy[row] = values[row]! + 0
  const halves = new Uint32Array(copy.buffer)
  const low = new Uint32Array(n)
  const high = new Uint32Array(n)
  for (let row = 0; row < n; row++) {
    const upper = halves[2 * row + 1]!
    const isNegative = upper >= 0x80_00_00_00
    if (Number.isNaN(values[row])) {
      low[row] = 0xff_ff_ff_ff
      high[row] = 0xff_ff_ff_ff
    } else {
      low[row] = isNegative ? ~halves[2 * row]! : halves[2 * row]!
      high[row] = isNegative ? ~upper : upper + 0x80_00_00_00
    }
  }
  return { low, high }
}

/** Sorts rows by one digit of their keys, and keeps their order where it is equal. */
function passOver(order: Uint32Array, keys: Uint32Array, shift: number): Uint32Array {
  const starts = new Uint32Array(buckets + 1)
  for (let row = 0; row < keys.length; row++) starts[((keys[row]! >>> shift) & (buckets - 1)) + 1]! += 1
  if (starts.includes(keys.length, 1)) return order
  for (let bucket = 0; bucket < buckets; bucket++) starts[bucket + 1]! += starts[bucket]!
  const sorted = new Uint32Array(order.length)
  for (let at = 0; at < order.length; at++) {
    const row = order[at]!
    sorted[starts[(keys[row]! >>> shift) & (buckets - 1)]!++] = row
  }
  return sorted
}
