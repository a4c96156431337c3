const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

/** XXH32 with seed 0, the checksum of LZ4 frames, over bytes that come in pieces. */
export type Xxh32 = { update(bytes: Uint8Array): void; digest(): number }

export function createXxh32(): Xxh32 {
  const lanes = Int32Array.of(prime1 + prime2, prime2, 0, -prime1)
  const rest = Buffer.alloc(16)
  let restSize = 0
  let size = 0

  function mixStripe(bytes: Buffer, offset: number): void {
    for (let lane = 0; lane < 4; lane += 1) lanes[lane] = round(lanes[lane] as number, bytes.readInt32LE(offset + lane * 4))
  }

  return {
    update(bytes) {
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      size += view.byteLength
      let offset = 0
      if (restSize > 0) {
        offset = view.copy(rest, restSize)
        restSize += offset
        if (restSize < 16) return
        mixStripe(rest, 0)
      }
      for (; offset + 16 <= view.byteLength; offset += 16) mixStripe(view, offset)
      restSize = view.copy(rest, 0, offset)
    },
    digest() {
      const [a, b, c, d] = lanes as unknown as [number, number, number, number]
      let hash = size < 16 ? prime5 : rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)
      hash = (hash + size) | 0
      let offset = 0
      for (; offset + 4 <= restSize; offset += 4)
        hash = Math.imul(rotate((hash + Math.imul(rest.readInt32LE(offset), prime3)) | 0, 17), prime4)
      for (; offset < restSize; offset += 1) hash = Math.imul(rotate((hash + Math.imul(rest.readUInt8(offset), prime5)) | 0, 11), prime1)
      hash = Math.imul(hash ^ (hash >>> 15), prime2)
      hash = Math.imul(hash ^ (hash >>> 13), prime3)
      return (hash ^ (hash >>> 16)) >>> 0
    },
  }
}

export function xxh32(bytes: Uint8Array): number {
  const hash = createXxh32()
  hash.update(bytes)
  return hash.digest()
}

function round(lane: number, input: number): number {
  return Math.imul(rotate((lane + Math.imul(input, prime2)) | 0, 13), prime1)
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}
