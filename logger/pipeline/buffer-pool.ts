/** Memory that batches hand on to one another. */
export type BufferPool = {
  /** A buffer of at least so many bytes, whatever they hold. */
  take(bytes: number): Buffer
  give(buffer: Buffer): void
  clear(): void
}

/** The most buffers that are kept: two batches at once, with a buffer for each of their tables, take fewer. */
const keptBuffers = 12

/** Keeps buffers for the next batch: fresh memory is paid for page by page at the first write, which took 15 times as long as the write itself. */
export function createBufferPool(): BufferPool {
  let free: Buffer[] = []
  return {
    take(bytes) {
      const fitting = free.findIndex((buffer) => buffer.length >= bytes)
      return fitting === -1 ? Buffer.allocUnsafeSlow(bytes) : free.splice(fitting, 1)[0]!
    },
    give(buffer) {
      // The buffers are sorted, so that the smallest that fits is found first, and the smallest of too many goes.
      free = [...free, buffer].toSorted((a, b) => a.length - b.length).slice(-keptBuffers)
    },
    clear: () => void (free = []),
  }
}
