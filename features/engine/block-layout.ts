/**
 * The stored form of a block, read in place by `readFeatures`. Little-endian doubles, offsets counted in doubles:
 *
 *   header      version, expired_through, tiles, rows, columns, offset of the text table (0: none), offset of the rows
 *   directory   per tile, ascending: index, first row, row after the last, offset of its fold (0: none)
 *   folds       count, newest, max event_time, max known_at, then per column the fields of `foldedColumn`
 *   rows        one array each: event_time, known_at, retracted_at, then every column (NaN: absent)
 *   text        JSON array of strings; a text column holds indexes into it
 *
 * A rank is how many rows of the tile order before the folded first or last, so that a read never compares ids.
 */
export const blockVersion = 1
export const headerLength = 7
export const directoryLength = 4
export const foldLength = 4
export const foldedColumnLength = 15

export const foldedColumn = {
  n: 0,
  sum: 1,
  mean: 2,
  m2: 3,
  min: 4,
  max: 5,
  newest: 6,
  firstEventTime: 7,
  firstKnownAt: 8,
  firstRank: 9,
  firstValue: 10,
  lastEventTime: 11,
  lastKnownAt: 12,
  lastRank: 13,
  lastValue: 14,
} as const

export const rowColumns = 3

/** A block that is read in place: its bytes, and the doubles in them. */
export type StoredBlock = { bytes: Uint8Array; doubles: Float64Array }

export function openBlock(bytes: Uint8Array): StoredBlock {
  return { bytes, doubles: doublesOf(bytes) }
}

/** The block's doubles, without a copy where the bytes are aligned. */
function doublesOf(bytes: Uint8Array): Float64Array {
  const length = Math.floor(bytes.byteLength / 8)
  if (bytes.byteOffset % 8 === 0) return new Float64Array(bytes.buffer, bytes.byteOffset, length)
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + length * 8))
}

/** Opens the blocks of one read after the other, in memory that the next read uses again. */
export type BlockMemory = {
  /** What was opened before may be overwritten from now on. */
  restart(): void
  open(bytes: Uint8Array): StoredBlock
}

/** A store's bytes mostly lie unaligned, and an array for each block costs more than all that is read in it. */
export function createBlockMemory(): BlockMemory {
  let doubles = new Float64Array(8192)
  let bytesOfAll = new Uint8Array(doubles.buffer)
  let used = 0
  return {
    restart: () => void (used = 0),
    open(bytes) {
      if (bytes.byteOffset % 8 === 0) return openBlock(bytes)
      const length = Math.floor(bytes.byteLength / 8)
      if (used + length > doubles.length) {
        doubles = new Float64Array(Math.max(2 * doubles.length, length))
        bytesOfAll = new Uint8Array(doubles.buffer)
        used = 0
      }
      bytesOfAll.set(length * 8 === bytes.byteLength ? bytes : bytes.subarray(0, length * 8), used * 8)
      const own = doubles.subarray(used, used + length)
      used += length
      return { bytes, doubles: own }
    },
  }
}

export function textsOf({ bytes, doubles }: StoredBlock): string[] {
  const offset = doubles[5] ?? 0
  return offset === 0 ? [] : (JSON.parse(new TextDecoder().decode(bytes.subarray(offset * 8))) as string[])
}
