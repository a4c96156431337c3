/** What the frames of a zstd body say of its content before any of it is decoded: it has `least` to `most` bytes. */
export type ZstdContent = { least: number; most: number }

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a5
/** The largest block of zstd (RFC 8878, section 3.1.1.2.4). */
const maxBlockBytes = 128 * 1024
const dictionaryIdBytes = [0, 1, 2, 4]
const blockTypes = { raw: 0, runLength: 1, compressed: 2 } as const

/** Measures the content by the headers of frames and blocks (RFC 8878, section 3.1). Undefined for bytes that are not whole frames. */
export function measureZstd(bytes: Uint8Array): ZstdContent | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const content: ZstdContent = { least: 0, most: 0 }
  for (let at = 0; at < bytes.byteLength;) {
    if (bytes.byteLength - at < 8) return undefined
    const magic = view.getUint32(at, true)
    if (magic >>> 4 === skippableMagic) {
      at += 8 + view.getUint32(at + 4, true)
      if (at > bytes.byteLength) return undefined
      continue
    }
    const frame = magic === frameMagic ? measureFrame(view, at + 4) : undefined
    if (frame === undefined) return undefined
    content.least += frame.least
    content.most += frame.most
    at = frame.end
  }
  return content
}

type Frame = ZstdContent & { end: number }

function measureFrame(view: DataView, start: number): Frame | undefined {
  const descriptor = view.getUint8(start)
  const singleSegment = (descriptor >> 5) & 1
  const sizeBytes = descriptor >> 6 === 0 ? singleSegment : 1 << (descriptor >> 6)
  const sizeAt = start + 1 + (1 - singleSegment) + (dictionaryIdBytes[descriptor & 3] ?? 0)
  const blocks = measureBlocks(view, sizeAt + sizeBytes)
  if (blocks === undefined) return undefined
  const end = blocks.end + ((descriptor >> 2) & 1) * 4
  if (end > view.byteLength) return undefined
  if (sizeBytes === 0) return { ...blocks, end }
  const declared = readSize(view, sizeAt, sizeBytes)
  return { least: declared, most: declared, end }
}

function measureBlocks(view: DataView, start: number): Frame | undefined {
  const frame: Frame = { least: 0, most: 0, end: start }
  for (let last = false; !last;) {
    if (frame.end + 3 > view.byteLength) return undefined
    const header = view.getUint16(frame.end, true) | (view.getUint8(frame.end + 2) << 16)
    const [type, size] = [(header >> 1) & 3, header >> 3]
    if (type > blockTypes.compressed) return undefined
    last = (header & 1) === 1
    frame.least += type === blockTypes.compressed ? 0 : size
    frame.most += type === blockTypes.compressed ? maxBlockBytes : size
    frame.end += 3 + (type === blockTypes.runLength ? 1 : size)
  }
  return frame.end > view.byteLength ? undefined : frame
}

function readSize(view: DataView, at: number, bytes: number): number {
  if (bytes === 1) return view.getUint8(at)
  if (bytes === 2) return view.getUint16(at, true) + 256
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true))
}
