import type { BufferPool } from './buffer-pool.ts'

/** Rows as JSON, a line each, in UTF-8. */
export type JsonLines = {
  readonly length: number
  add(row: object): void
  /** The lines from `from` up to `to`, which is not among them. A view: do not change it. */
  slice(from: number, to: number): Uint8Array
  /** Gives the memory back: no line is to be read any more. */
  release(): void
}

/** What each UTF-16 unit of a text takes in UTF-8 at most. */
const bytesPerUnit = 3
const newline = 0x0a

/**
 * Creates lines in one buffer, of the expected size from the start: thousands of texts that live as long as a batch would cost
 * the heap more than encoding them does.
 */
export function createJsonLines(pool: BufferPool, expectedBytes: number): JsonLines {
  let buffer = pool.take(expectedBytes)
  let end = 0
  const starts: number[] = []

  function reserve(bytes: number): void {
    if (end + bytes <= buffer.length) return
    const larger = pool.take(Math.max(end + bytes, 2 * buffer.length))
    buffer.copy(larger, 0, 0, end)
    pool.give(buffer)
    buffer = larger
  }

  return {
    get length() {
      return starts.length
    },
    add(row) {
      const text = JSON.stringify(row)
      reserve(text.length * bytesPerUnit + 1)
      starts.push(end)
      end += buffer.write(text, end)
      buffer[end++] = newline
    },
    slice: (from, to) => buffer.subarray(starts[from] ?? end, starts[to] ?? end),
    release: () => pool.give(buffer),
  }
}
