import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { closeFile, nodeDisk, openFile, openIfThere, readAt, type OutboxDisk } from './outbox-files.ts'
import { syncDirectory } from '../../service/durable-files.ts'

/** The place behind record `seq`, which ends at `offset` of the segment that starts with `segment`. */
export type LogPosition = { epoch: number; segment: number; offset: number; seq: number }

/**
 * A file that holds one position and is overwritten in place: two slots, written in turn, each with a generation and
 * a CRC, in sectors of their own. A torn write leaves the slot before it.
 */
export type SlotFile = {
  last(): LogPosition | undefined
  /** `sync` waits until it is on disk; without, other processes see it and a power loss may undo it. */
  write(position: LogPosition, options: { sync: boolean }): Promise<void>
  close(): Promise<void>
}

const slotBytes = 64
const slotStride = 512

export async function openSlotFile({ path, disk = nodeDisk }: { path: string; disk?: OutboxDisk }): Promise<SlotFile> {
  const fd = (await openIfThere(path, 'r+')) ?? (await createSlots(path, disk))
  let latest = parseSlots(await readAt(fd, 0, slotStride + slotBytes))
  return {
    last: () => latest?.position,
    async write(position, { sync }) {
      const generation = (latest?.generation ?? 0) + 1
      await disk.write(fd, encodeSlot(generation, position), slotBytes, (generation % 2) * slotStride)
      if (sync) await disk.datasync(fd)
      latest = { generation, position }
    },
    close: () => closeFile(fd),
  }
}

/** Creates the file whole at once: later writes change neither size nor blocks, so that syncing them is cheap and meets no full disk. */
async function createSlots(path: string, disk: OutboxDisk): Promise<number> {
  const fd = await openFile(path, 'w+')
  await disk.write(fd, Buffer.alloc(2 * slotStride), 2 * slotStride, 0)
  await disk.datasync(fd)
  await syncDirectory(dirname(path))
  return fd
}

/** The position in an open slot file of another process. */
export async function readSlots(fd: number): Promise<LogPosition | undefined> {
  return parseSlots(await readAt(fd, 0, slotStride + slotBytes))?.position
}

function encodeSlot(generation: number, { epoch, segment, offset, seq }: LogPosition): Buffer {
  const buffer = Buffer.alloc(slotBytes)
  for (const [index, value] of [generation, epoch, segment, offset, seq].entries()) buffer.writeUIntLE(value, 4 + index * 6, 6)
  buffer.writeUInt32LE(crc32(buffer.subarray(4)), 0)
  return buffer
}

function parseSlots(buffer: Buffer): { generation: number; position: LogPosition } | undefined {
  const slots = [0, slotStride].map((at) => parseSlot(buffer.subarray(at, at + slotBytes))).filter((slot) => slot !== undefined)
  return slots.toSorted((a, b) => b.generation - a.generation)[0]
}

function parseSlot(slot: Buffer): { generation: number; position: LogPosition } | undefined {
  if (slot.length < slotBytes || slot.readUInt32LE(0) !== crc32(slot.subarray(4))) return undefined
  const value = (index: number) => slot.readUIntLE(4 + index * 6, 6)
  const generation = value(0)
  return generation === 0 ? undefined : { generation, position: { epoch: value(1), segment: value(2), offset: value(3), seq: value(4) } }
}
