import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { lanes } from '../../../contracts/origin.ts'
import { fetchAtLeast, toEvent } from '../../event-log/event-log.contract.ts'
import { openOutboxWriter } from './outbox-writer.ts'
import type { EventLogWriter } from '../../event-log/event-log.ts'
import { describeWithSmallDisk, mountSmallDisk, type SmallDisk } from '../testing/small-disk.ts'
import { embeddedConsumers } from '../../../contracts/lane-consumers.ts'
import { openOutboxConsumer } from '../read/outbox-consumer.ts'

const soon = { timeout: 180_000, interval: 20 }
const payload = (index: number) => `{"n":${index},"text":"${'x'.repeat(1_000)}"}`

describeWithSmallDisk('an outbox on a disk that is really full', () => {
  let disk: SmallDisk
  let writer: EventLogWriter
  let appended: string[]
  let faults: number

  beforeEach(async () => {
    disk = mountSmallDisk(1024)
    appended = []
    faults = 0
    writer = await openOutboxWriter({
      dir: disk.dir,
      writerId: 'w1',
      consumersOf: embeddedConsumers,
      segmentBytes: 64 * 1024,
      maintainEveryMs: 20,
      onFault: () => void (faults += 1),
    })
  })
  afterEach(async () => {
    await writer.close().catch(() => undefined)
    await disk.unmount()
  })

  /** Appends until one is refused. */
  async function appendUntilFull(): Promise<void> {
    await expect(appendMany(10_000)).rejects.toMatchObject({ code: 'outbox_unavailable' })
    expect(writer.writable()).toBe(false)
  }

  async function appendMany(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const id = `id-${appended.length}`
      await writer.append('predictions', [{ ...toEvent(payload(appended.length), 0), id }])
      appended.push(id)
    }
  }

  const writes = () => vi.waitFor(() => appendMany(1), soon)

  async function readBack(atLeast: number): Promise<string[]> {
    const consumer = await openOutboxConsumer({ dir: disk.dir, name: 'logger', lanes })
    const records = await fetchAtLeast(consumer, atLeast)
    await consumer.close()
    return records.filter(({ kind }) => kind === 'event').map(({ id }) => id)
  }

  it('refuses, writes again when space returns, and gives back all that it took', async () => {
    await appendMany(20)
    await disk.fill()
    await appendUntilFull()
    // The writer makes more than one attempt to write again, on a disk without a free byte.
    const first = writer.epoch
    const before = faults
    await vi.waitFor(() => expect(faults).toBeGreaterThan(before + 5), soon)
    expect(writer.writable()).toBe(false)
    expect((await readdir(join(disk.dir, 'w1'))).filter((name) => name.startsWith('epoch-'))).toHaveLength(1)
    await disk.empty()
    await writes()
    expect(writer.epoch).toBeGreaterThan(first)
    await appendMany(20)
    expect(await readBack(appended.length)).toEqual(appended)
  })

  it('writes again once a consumer has confirmed what fills it', async () => {
    await appendUntilFull()
    expect(appended.length).toBeGreaterThan(500)
    const consumer = await openOutboxConsumer({ dir: disk.dir, name: 'logger', lanes })
    const records = await fetchAtLeast(consumer, appended.length)
    expect(records.filter(({ kind }) => kind === 'event').map(({ id }) => id)).toEqual(appended)
    await consumer.confirm(records)
    await consumer.close()
    await writes()
    // The records read back are the seal of the epoch that failed, and what came after.
    expect(await readBack(2)).toEqual(appended.slice(-1))
  })
})
