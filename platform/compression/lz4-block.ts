import { compress } from 'lz4-wasm-nodejs'
import { DecompressionError } from './decompression-error.ts'

const longNibble = 15
const shortestMatch = 4

/** Compresses to one block of LZ4, which does not say how long its content is. Blocks the event loop, for about 3 ms per MiB. */
export function compressLz4Block(bytes: Uint8Array): Uint8Array {
  // The library writes that length before the block.
  return compress(bytes).subarray(4)
}

/**
 * Decodes into `target` from `start` and returns the end; the bytes before may be referred to, which the library does for whole
 * contents only. Throws `DecompressionError`; never writes nor loops beyond the target.
 */
export function decompressLz4Block(block: Uint8Array, target: Uint8Array, start: number): number {
  let from = 0
  let to = start

  function longLength(nibble: number): number {
    if (nibble < longNibble) return nibble
    let length = nibble
    for (let byte = 255; byte === 255; length += byte) byte = byteAt(block, from++)
    return length
  }

  while (from < block.byteLength) {
    const token = byteAt(block, from++)
    const literalCount = longLength(token >> 4)
    if (from + literalCount > block.byteLength || to + literalCount > target.byteLength) throw new DecompressionError('corrupt')
    for (const end = from + literalCount; from < end; from += 1, to += 1) target[to] = block[from] as number
    if (from === block.byteLength) return to
    const distance = byteAt(block, from) | (byteAt(block, from + 1) << 8)
    from += 2
    const matchEnd = to + longLength(token & longNibble) + shortestMatch
    if (distance === 0 || distance > to || matchEnd > target.byteLength) throw new DecompressionError('corrupt')
    // Byte by byte, for a match may run into what it writes, which repeats it.
    for (; to < matchEnd; to += 1) target[to] = target[to - distance] as number
  }
  throw new DecompressionError('corrupt')
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw new DecompressionError('corrupt')
  return byte
}
