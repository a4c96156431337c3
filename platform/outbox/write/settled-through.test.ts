import { afterEach, expect, it, vi } from 'vitest'
import { openOutboxWriter, type OutboxWriterOptions } from './outbox-writer.ts'
import { fetchAtLeast, toEvent } from '../../event-log/event-log.contract.ts'
import type { AppendInput, LogRecord } from '../../event-log/event-log.ts'
import { nodeDisk, type OutboxDisk } from '../format/outbox-files.ts'
import { makeOutboxHarness } from '../testing/outbox-harness.ts'
import { unsyncedDisk } from '../testing/segment-fixture.ts'

let log: Awaited<ReturnType<typeof makeOutboxHarness>>
const start = async (writer: Partial<OutboxWriterOptions> = {}) => (log = await makeOutboxHarness({ writer }))
afterEach(() => log.dispose())

const answer = (index: number): AppendInput => ({ ...toEvent('{}', index), awaitsFate: true })
const said = (records: LogRecord[]) => records.map(({ origin, settledThrough }) => [origin.seq, settledThrough])
const read = async (count: number) => fetchAtLeast(await log.openConsumer('logger', ['predictions']), count)

it('stops before the first answer that is under way, whatever was settled behind it', async () => {
  await start()
  const writer = await log.openWriter('w1')
  const [first, second] = await writer.append('predictions', [answer(0), answer(1)])
  expect(writer.settlement('predictions')).toEqual({ through: 0, said: 0, last: 2 })
  writer.settle(second!)
  await writer.append('predictions', [toEvent('{}', 2)])
  writer.settle(first!)
  expect(writer.settlement('predictions')).toEqual({ through: 3, said: 0, last: 3 })
  await writer.append('predictions', [toEvent('{}', 3)])
  expect(writer.settlement('predictions')).toEqual({ through: 4, said: 4, last: 4 })
  expect(said(await read(4))).toEqual([
    [1, 0],
    [2, 0],
    [3, 0],
    [4, 4],
  ])
})

it('is said by the seal of an epoch that is closed', async () => {
  await start()
  const writer = await log.openWriter('w1')
  const [origin] = await writer.append('predictions', [answer(0)])
  writer.settle(origin!)
  await writer.close()
  const records = await read(2)
  expect(records.at(-1)).toMatchObject({ kind: 'seal', settledThrough: 2 })
  expect(writer.settle(origin!)).toBe(true)
})

it('does not pass what an unclosed epoch left open, and begins anew in the next', async () => {
  await start({ adoptEveryMs: 1e9 })
  const writer = await log.openWriter('w1')
  const origins = await writer.append('predictions', [answer(0), answer(1)])
  writer.settle(origins[0]!)
  await writer.append('predictions', [answer(2)])
  await writer.close()
  const next = await openOutboxWriter({
    dir: log.dir,
    writerId: 'w1',
    consumersOf: { predictions: ['logger'], labels: [], feature_events: [], batch_predictions: [] },
  })
  expect(next.settle(origins[1]!)).toBe(false)
  await next.append('predictions', [toEvent('{}', 3)])
  const records = await read(5)
  await next.close()
  expect(said(records)).toEqual([
    [1, 0],
    [2, 0],
    [3, 1],
    [4, 1],
    [1, 1],
  ])
})

it('is not lost with a disk that fails: the seal of the ended epoch says it, and what is known later needs a record', async () => {
  const disk = failingDisk()
  await start({ disk, maintainEveryMs: 20 })
  const writer = await log.openWriter('w1')
  const origins = await writer.append('predictions', [answer(0), answer(1), answer(2)])
  disk.failing = true
  await expect(writer.append('predictions', [answer(3)])).rejects.toMatchObject({ code: 'outbox_unavailable' })
  // The writer knows the record until it gives the epoch up.
  const isKnown = writer.settle(origins[0]!)
  disk.failing = false
  await vi.waitFor(() => expect(writer.writable()).toBe(true), 60_000)
  expect(writer.settle(origins[1]!)).toBe(false)
  const [seal] = (await read(4)).slice(-1)
  expect(seal).toMatchObject({ kind: 'seal', settledThrough: isKnown ? 1 : 0 })
})

function failingDisk(): OutboxDisk & { failing: boolean } {
  const disk = {
    failing: false,
    write: (...args: Parameters<OutboxDisk['write']>) => (disk.failing ? Promise.reject(new Error('EIO')) : nodeDisk.write(...args)),
    datasync: unsyncedDisk.datasync,
  }
  return disk
}
