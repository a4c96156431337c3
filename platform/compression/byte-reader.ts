/** Takes bytes from chunks as a format asks for them. Nothing is read ahead of what was asked. */
export type ByteReader = {
  /** Exactly `count` bytes, valid until the next read; undefined when the chunks end before. */
  read(count: number): Promise<Uint8Array | undefined>
  /** Whether no byte is left. */
  atEnd(): Promise<boolean>
}

export function createByteReader(chunks: AsyncIterable<Uint8Array>): ByteReader {
  const iterator = chunks[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array(0)

  async function next(): Promise<boolean> {
    const { value, done } = await iterator.next()
    if (done === true) return false
    rest = value
    return true
  }

  function take(count: number): Uint8Array {
    const bytes = rest.subarray(0, count)
    rest = rest.subarray(count)
    return bytes
  }

  return {
    async read(count) {
      if (rest.byteLength >= count) return take(count)
      const parts: Uint8Array[] = []
      for (let left = count; left > 0;) {
        if (rest.byteLength === 0 && !(await next())) return undefined
        const part = take(left)
        parts.push(part)
        left -= part.byteLength
      }
      return Buffer.concat(parts)
    },
    async atEnd() {
      while (rest.byteLength === 0) if (!(await next())) return true
      return false
    },
  }
}
