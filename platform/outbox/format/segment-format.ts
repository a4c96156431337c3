import { crc32 } from 'node:zlib'
import { lanes, type Lane } from '../../../contracts/origin.ts'
import type { LogRecordKind } from '../../event-log/event-log.ts'

/** What a segment is, by its place in the outbox directory: its header repeats it, its records are bound to it. */
export type SegmentId = { writerId: string; lane: Lane; epoch: number; firstSeq: number }

/** The completion of a segment, written once it takes no more records. `unsealedFrom`: the first `seq` that no seal has covered by then. */
export type SegmentCompletion = { lastSeq: number; endOffset: number; unsealedFrom: number }

export type SegmentHeader = { unsealedFrom: number; createdAtMs: number; completion: SegmentCompletion | undefined }

export type RecordInput = {
  seq: number
  kind: LogRecordKind
  id: string
  appendedAtMs: number
  settledThrough?: number | undefined
  payload: Uint8Array | string
}

/** `payload` is a view into the buffer it was decoded from; `end` is the offset behind the record. */
export type DecodedRecord = {
  seq: number
  kind: LogRecordKind
  id: string
  appendedAtMs: number
  settledThrough: number | undefined
  payload: Buffer
  end: number
}

/** Header and completion share the first sector, so that rewriting the one cannot tear the other. */
export const segmentHeaderBytes = 512
export const maxRecordBytes = 16 * 1024 * 1024
export const recordOverheadBytes = 26
const settledBytes = 6

const magic = Buffer.from('HSLOGSEG', 'latin1')
/** Records of version 1 never have a `settledThrough`, so that both are read alike. */
const formatVersion = 2
const readVersions = [1, 2]
const headerCrcAt = 380
const completionAt = 384
const completionCrcAt = completionAt + 18
const kinds = ['event', 'reject', 'seal', 'fate'] as const satisfies readonly LogRecordKind[]

/** Every CRC of a segment starts from this, so that bytes of another segment never pass for its own. */
export function segmentSeed({ writerId, lane, epoch, firstSeq }: SegmentId): number {
  return crc32(`${writerId}/${lane}/${epoch}/${firstSeq}`)
}

export function encodeSegmentHeader(id: SegmentId, { unsealedFrom, createdAtMs }: Omit<SegmentHeader, 'completion'>): Buffer {
  const buffer = Buffer.alloc(segmentHeaderBytes)
  magic.copy(buffer)
  buffer.writeUInt16LE(formatVersion, 8)
  buffer.writeUInt8(lanes.indexOf(id.lane), 10)
  buffer.writeUInt32LE(id.epoch, 12)
  buffer.writeUIntLE(id.firstSeq, 16, 6)
  buffer.writeUIntLE(unsealedFrom, 22, 6)
  buffer.writeDoubleLE(createdAtMs, 28)
  buffer.writeUInt8(Buffer.byteLength(id.writerId), 36)
  buffer.write(id.writerId, 37)
  buffer.writeUInt32LE(crc32(buffer.subarray(0, headerCrcAt), segmentSeed(id)), headerCrcAt)
  return buffer
}

/** The bytes that belong at `completionOffset` of the segment. */
export function encodeCompletion(id: SegmentId, completion: SegmentCompletion): Buffer {
  const buffer = Buffer.alloc(22)
  buffer.writeUIntLE(completion.lastSeq, 0, 6)
  buffer.writeUIntLE(completion.endOffset, 6, 6)
  buffer.writeUIntLE(completion.unsealedFrom, 12, 6)
  buffer.writeUInt32LE(crc32(buffer.subarray(0, 18), segmentSeed(id)), 18)
  return buffer
}

export const completionOffset = completionAt

/** Parses a header; undefined when it is torn or another segment's. The records do not need it: their CRC binds them to their place. */
export function parseSegmentHeader(buffer: Buffer, id: SegmentId): SegmentHeader | undefined {
  if (buffer.length < segmentHeaderBytes || !buffer.subarray(0, 8).equals(magic) || !readVersions.includes(buffer.readUInt16LE(8)))
    return undefined
  if (buffer.readUInt32LE(headerCrcAt) !== crc32(buffer.subarray(0, headerCrcAt), segmentSeed(id))) return undefined
  return { unsealedFrom: buffer.readUIntLE(22, 6), createdAtMs: buffer.readDoubleLE(28), completion: parseCompletion(buffer, id) }
}

function parseCompletion(buffer: Buffer, id: SegmentId): SegmentCompletion | undefined {
  const crc = crc32(buffer.subarray(completionAt, completionCrcAt), segmentSeed(id))
  if (buffer.readUInt32LE(completionCrcAt) !== crc) return undefined
  const endOffset = buffer.readUIntLE(completionAt + 6, 6)
  if (endOffset < segmentHeaderBytes) return undefined
  return { lastSeq: buffer.readUIntLE(completionAt, 6), endOffset, unsealedFrom: buffer.readUIntLE(completionAt + 12, 6) }
}

/**
 * Writes a record and returns the offset behind it, all in little endian: CRC-32 (4) over all that follows, length of what
 * follows the length (4), seq (6), kind (1), whether there is a settledThrough (1), appendedAt (8), length of the id (2),
 * settledThrough (6) if there is one, id, payload.
 */
export function writeRecord(target: Buffer, offset: number, record: RecordInput, seed: number): number {
  const { settledThrough } = record
  const idAt = offset + recordOverheadBytes + (settledThrough === undefined ? 0 : settledBytes)
  const idBytes = target.write(record.id, idAt)
  const payloadAt = idAt + idBytes
  const end = payloadAt + putPayload(target, payloadAt, record.payload)
  target.writeUInt32LE(end - offset - 8, offset + 4)
  target.writeUIntLE(record.seq, offset + 8, 6)
  target[offset + 14] = kinds.indexOf(record.kind) + 1
  target[offset + 15] = settledThrough === undefined ? 0 : 1
  target.writeDoubleLE(record.appendedAtMs, offset + 16)
  target.writeUInt16LE(idBytes, offset + 24)
  if (settledThrough !== undefined) target.writeUIntLE(settledThrough, offset + recordOverheadBytes, settledBytes)
  target.writeUInt32LE(crc32(target.subarray(offset + 4, end), seed), offset)
  return end
}

function putPayload(target: Buffer, offset: number, payload: Uint8Array | string): number {
  if (typeof payload === 'string') return target.write(payload, offset)
  target.set(payload, offset)
  return payload.length
}

export function encodedRecordBytes({ id, payload, settledThrough }: Pick<RecordInput, 'id' | 'payload' | 'settledThrough'>): number {
  const headerBytes = recordOverheadBytes + (settledThrough === undefined ? 0 : settledBytes)
  return headerBytes + Buffer.byteLength(id) + (typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length)
}

/** The whole record's size as its length field has it, or undefined where no record can start. */
export function claimedRecordBytes(buffer: Buffer, offset: number): number | undefined {
  if (offset + 8 > buffer.length) return undefined
  const bytes = buffer.readUInt32LE(offset + 4) + 8
  return bytes >= recordOverheadBytes && bytes <= maxRecordBytes ? bytes : undefined
}

/** The record at `offset`, or undefined when it is not whole. */
export function decodeRecord(buffer: Buffer, offset: number, seed: number): DecodedRecord | undefined {
  const bytes = claimedRecordBytes(buffer, offset)
  if (bytes === undefined || offset + bytes > buffer.length) return undefined
  const end = offset + bytes
  if (buffer.readUInt32LE(offset) !== crc32(buffer.subarray(offset + 4, end), seed)) return undefined
  const kind = kinds[buffer.readUInt8(offset + 14) - 1]
  const hasSettled = buffer.readUInt8(offset + 15) === 1
  const idAt = offset + recordOverheadBytes + (hasSettled ? settledBytes : 0)
  const payloadAt = idAt + buffer.readUInt16LE(offset + 24)
  if (kind === undefined || payloadAt > end) return undefined
  return {
    seq: buffer.readUIntLE(offset + 8, 6),
    kind,
    id: buffer.toString('utf8', idAt, payloadAt),
    appendedAtMs: buffer.readDoubleLE(offset + 16),
    settledThrough: hasSettled ? buffer.readUIntLE(offset + recordOverheadBytes, settledBytes) : undefined,
    payload: buffer.subarray(payloadAt, end),
    end,
  }
}

/** The offset of the first whole record at or behind `offset` with a `seq` of at least `minSeq`: where reading goes on after damage. */
export function findRecord(buffer: Buffer, offset: number, { minSeq, seed }: { minSeq: number; seed: number }): number | undefined {
  for (let at = offset; at + recordOverheadBytes <= buffer.length; at += 1) {
    const bytes = buffer.readUInt32LE(at + 4) + 8
    if (bytes < recordOverheadBytes || at + bytes > buffer.length) continue
    const record = decodeRecord(buffer, at, seed)
    if (record !== undefined && record.seq >= minSeq) return at
  }
  return undefined
}
