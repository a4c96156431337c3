import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeDisk, openFile, type OutboxDisk } from '../format/outbox-files.ts'
import { segmentHeaderBytes } from '../format/segment-format.ts'
import { openSegmentFile, type SegmentFile } from './segment-file.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'segment-file-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

describe('a segment file', () => {
  it('makes a record durable in one call, on space that was made ready', async () => {
    const { disk, append, file } = await start()
    await append('first')
    disk.calls.length = 0
    await append('second')
    await append('third')
    expect(disk.calls).toEqual(['through', 'through'])
    expect((await stat(file.path)).size).toBeGreaterThan(100_000)
    await file.close()
  })

  it('syncs what was written before without', async () => {
    const { disk, append, file } = await start()
    await append('first')
    disk.calls.length = 0
    await append('in the page cache', false)
    await append('durable')
    await append('durable again')
    expect(disk.calls).toEqual(['write', 'write', 'datasync', 'through'])
    await file.close()
  })

  it('is two calls, and no byte larger than its records, where the disk cannot write through', async () => {
    const { disk, append, file } = await start({ through: false })
    await append('first')
    expect(disk.calls).toEqual(['write', 'datasync'])
    expect((await stat(file.path)).size).toBe(file.end())
    await file.close()
  })

  it('holds what was written, and no more once it is trimmed, whatever the sizes', async () => {
    const write = fc.record({ bytes: fc.integer({ min: 1, max: 700_000 }), isDurable: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 600, max: 4_000_000 }),
        async (writes, maxBytes) => {
          const { append, file } = await start({ maxBytes })
          const texts = writes.map(({ bytes }, index) => String(index % 10).repeat(bytes))
          for (const [index, text] of texts.entries()) await append(text, writes[index]?.isDurable)
          await file.trim(file.end())
          await file.close()
          expect((await readFile(file.path, 'latin1')).slice(segmentHeaderBytes) === texts.join('')).toBe(true)
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('on a disk that fails', () => {
  it('still takes records where there is no space to make ready', async () => {
    const { disk, append, file } = await start({ failing: { write: 'ENOSPC' } })
    await append('first')
    await append('second')
    expect(disk.calls).toEqual(['write', 'through', 'through'])
    expect((await readFile(file.path, 'latin1')).slice(segmentHeaderBytes)).toBe('firstsecond')
    await file.close()
  })

  it.each([
    ['a sync while space is made ready', { datasync: 'EIO' }],
    ['a write while space is made ready', { write: 'EIO' }],
    ['the write of a record', { through: 'EIO' }],
  ])('tells of it: %s', async (_what, failing) => {
    const { append, file } = await start({ failing })
    await expect(append('first')).rejects.toMatchObject({ code: 'EIO' })
    await file.close()
  })
})

type Call = 'write' | 'datasync' | 'through'
type Failing = Partial<Record<Call, string>>

async function start(options: { through?: boolean; failing?: Failing; maxBytes?: number } = {}) {
  const { through = true, failing = {}, maxBytes = 64 * 1024 * 1024 } = options
  const path = join(dir, 'one.segment')
  const fd = await openFile(path, 'w+')
  await nodeDisk.write(fd, Buffer.alloc(segmentHeaderBytes), segmentHeaderBytes, 0)
  const disk = watchedDisk({ through, failing })
  const opened: SegmentFile = await openSegmentFile({ path, fd, maxBytes, disk })
  let end = segmentHeaderBytes
  async function append(text: string, isDurable = true): Promise<void> {
    const buffer = Buffer.from(text)
    await opened.write(buffer, { bytes: buffer.length, offset: end, isDurable })
    end += buffer.length
  }
  return { disk, append, file: { ...opened, path, end: () => end } }
}

/** Keeps the calls that it was asked for, and fails at some of them with a code. */
function watchedDisk({ through, failing }: { through: boolean; failing: Failing }): OutboxDisk & { calls: Call[] } {
  const calls: Call[] = []
  const throughFds = new Set<number>()
  function call<T>(name: Call, run: () => Promise<T>): Promise<T> {
    calls.push(name)
    const code = failing[name]
    return code === undefined ? run() : Promise.reject(Object.assign(new Error(code), { code }))
  }
  async function openThrough(path: string): Promise<number> {
    const fd = await openFile(path, 'r+')
    throughFds.add(fd)
    return fd
  }
  return {
    calls,
    write: (fd, ...rest) => call(throughFds.has(fd) ? 'through' : 'write', () => nodeDisk.write(fd, ...rest)),
    datasync: (fd) => call('datasync', () => nodeDisk.datasync(fd)),
    ...(through && { openThrough }),
  }
}
