import { mixBlocks } from './city-hash-blocks.ts'

const k0 = 0xc3a5c85c97cb3127n
const k1 = 0xb492b66fbe98f273n
const k2 = 0x9ae16a3b2f90404fn
const k3 = 0xc949d7c7509e6557n
const mixer = 0x9ddfea08eb382d69n

type Pair = { low: bigint; high: bigint }

/**
 * CityHash128 as of its version 1.0.2, the checksum of ClickHouse's compressed blocks; later versions give other values.
 * Google's `city.cc` is the source; written into 16 bytes, the low half first, little-endian.
 */
export function cityHash128(bytes: Uint8Array): Pair {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = bytes.byteLength
  if (length >= 16) return hashSeeded(view, 16, { low: at(view, 0) ^ k3, high: at(view, 8) })
  if (length >= 8) return hashSeeded(view, length, { low: at(view, 0) ^ u64(BigInt(length) * k0), high: at(view, length - 8) ^ k1 })
  return hashSeeded(view, 0, { low: k0, high: k1 })
}

/** Hashes the bytes from `start` on. */
function hashSeeded(view: DataView, start: number, seed: Pair): Pair {
  return view.byteLength - start < 128 ? hashShort(view, start, seed) : hashLong(view, start, seed)
}

function hashShort(view: DataView, start: number, seed: Pair): Pair {
  const length = view.byteLength - start
  let a = seed.low
  let b = seed.high
  let c: bigint
  let d: bigint
  if (length <= 16) {
    a = u64(mixHigh(u64(a * k1)) * k1)
    c = u64(b * k1 + hashUpTo16(view, start, length))
    d = mixHigh(u64(a + (length >= 8 ? at(view, start) : c)))
  } else {
    const end = view.byteLength
    c = mixPair(u64(at(view, end - 8) + k1), a)
    d = mixPair(u64(b + BigInt(length)), u64(c + at(view, end - 16)))
    a = u64(a + d)
    for (let offset = start, left = length - 16; left > 0; offset += 16, left -= 16) {
      a = u64((a ^ u64(mixHigh(u64(at(view, offset) * k1)) * k1)) * k1)
      b ^= a
      c = u64((c ^ u64(mixHigh(u64(at(view, offset + 8) * k1)) * k1)) * k1)
      d ^= c
    }
  }
  a = mixPair(a, c)
  b = mixPair(d, b)
  return { low: a ^ b, high: mixPair(b, a) }
}

function hashLong(view: DataView, start: number, seed: Pair): Pair {
  const end = view.byteLength
  const v = u64(rotate(seed.high ^ k1, 49n) * k1 + at(view, start))
  const z0 = u64(BigInt(end - start) * k1)
  const w = u64(rotate(u64(seed.high + z0), 35n) * k1 + seed.low)
  const state = BigUint64Array.of(
    seed.low,
    seed.high,
    z0,
    v,
    u64(rotate(v, 42n) * k1 + at(view, start + 8)),
    w,
    u64(rotate(u64(seed.low + at(view, start + 88)), 53n) * k1),
  )
  const offset = mixBlocks(view, start, state)
  const mixed = state as unknown as [bigint, bigint, bigint, bigint, bigint, bigint, bigint]
  let [x, y, , v0, v1, w0] = mixed
  const [, , z, , , , w1] = mixed
  y = u64(y + rotate(w0, 37n) * k0 + z)
  x = u64(x + rotate(u64(v0 + z), 49n) * k0)
  // The rest, in pieces of 32 bytes from the end; the last piece may reach into what was hashed.
  for (let done = 0; done < end - offset;) {
    done += 32
    const piece = end - done
    y = u64(rotate(u64(y - x), 42n) * k0 + v1)
    w0 = u64(w0 + at(view, piece + 16))
    x = u64(rotate(x, 49n) * k0 + w0)
    w0 = u64(w0 + v0)
    const a = u64(v0 + at(view, piece))
    const b = rotate(u64(v1 + a + at(view, piece + 24)), 21n)
    const c = u64(a + at(view, piece + 8) + at(view, piece + 16))
    v0 = u64(c + at(view, piece + 24))
    v1 = u64(b + rotate(c, 44n) + a)
  }
  x = mixPair(x, v0)
  y = mixPair(y, w0)
  return { low: u64(mixPair(u64(x + v1), w1) + y), high: mixPair(u64(x + w1), u64(y + v1)) }
}

function hashUpTo16(view: DataView, start: number, length: number): bigint {
  const end = start + length
  const size = BigInt(length)
  if (length > 8) {
    const last = at(view, end - 8)
    return mixPair(at(view, start), rotate(u64(last + size), size)) ^ last
  }
  if (length >= 4) return mixPair(u64(size + (BigInt(view.getUint32(start, true)) << 3n)), BigInt(view.getUint32(end - 4, true)))
  if (length === 0) return k2
  const y = BigInt(view.getUint8(start) + (view.getUint8(start + (length >> 1)) << 8))
  const z = BigInt(length + (view.getUint8(end - 1) << 2))
  return u64(mixHigh(u64(y * k2) ^ u64(z * k3)) * k2)
}

function mixPair(low: bigint, high: bigint): bigint {
  let a = u64((low ^ high) * mixer)
  a ^= a >> 47n
  let b = u64((high ^ a) * mixer)
  b ^= b >> 47n
  return u64(b * mixer)
}

function mixHigh(value: bigint): bigint {
  return value ^ (value >> 47n)
}

function rotate(value: bigint, by: bigint): bigint {
  return u64((value >> by) | (value << (64n - by)))
}

function at(view: DataView, offset: number): bigint {
  return view.getBigUint64(offset, true)
}

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}
