import { afterEach, expect, test } from 'vitest'
import { eventLogContract, fetchAtLeast, toEvent } from '../platform/event-log/event-log.contract.ts'
import { makeNatsHarness, type NatsHarness } from './testing/nats-harness.ts'
import { describeWithNats, natsBinaries } from '../platform/nats/testing/nats-server.ts'

describeWithNats('the event log on NATS', () => {
  for (const binary of natsBinaries) {
    eventLogContract(`nats-server ${binary.version}`, async () => {
      const harness = await makeNatsHarness({ binary })
      await harness.startForwarder()
      return harness
    })
  }
})

describeWithNats('a consumer on NATS', () => {
  let log: NatsHarness
  afterEach(() => log.dispose())

  test('two consumers of one name share its records', async () => {
    log = await makeNatsHarness()
    await log.startForwarder()
    const writer = await log.openWriter('w1')
    const consumers = [await log.openConsumer('logger', ['labels']), await log.openConsumer('logger', ['labels'])]
    await expect.poll(() => consumers.every((consumer) => consumer.reachable())).toBe(true)
    await writer.append(
      'labels',
      Array.from({ length: 5_000 }, (_, index) => toEvent('{}', index)),
    )
    const taken = consumers.map(() => [] as number[])
    await expect
      .poll(
        async () => {
          for (const [index, consumer] of consumers.entries()) {
            const records = await consumer.fetch({ maxRecords: 500, maxBytes: 1e6, waitMs: 20 })
            await consumer.confirm(records)
            taken[index]?.push(...records.map(({ origin }) => origin.seq))
          }
          return new Set(taken.flat()).size
        },
        { timeout: 180_000, interval: 1 },
      )
      .toBe(5_000)
    expect(taken.map(({ length }) => length > 0)).toEqual([true, true])
  })

  test('holds what is not confirmed for longer than ack_wait without its being delivered again', async () => {
    log = await makeNatsHarness()
    await log.startForwarder()
    const [consumer, other] = [await log.openConsumer('logger', ['labels']), await log.openConsumer('logger', ['labels'])]
    const writer = await log.openWriter('w1')
    await writer.append('labels', [toEvent('{}', 1)])
    let holder = consumer
    await expect
      .poll(async () => {
        const records = (await consumer.fetch({ maxRecords: 1, maxBytes: 1e6, waitMs: 50 })).length
        if (records === 0 && (await other.fetch({ maxRecords: 1, maxBytes: 1e6, waitMs: 50 })).length > 0) holder = other
        return records > 0 || holder === other
      })
      .toBe(true)
    // Longer than `ack_wait`, shorter than until it is published again.
    const waitMs = 1.6 * log.settings.NATS_ACK_WAIT_MS
    const again = await Promise.all([consumer, other].map((one) => one.fetch({ maxRecords: 1, maxBytes: 1e6, waitMs })))
    expect(again).toEqual([[], []])
  })

  test('drops a message that names no origin, says so, and goes on', async () => {
    log = await makeNatsHarness()
    await log.startForwarder()
    const writer = await log.openWriter('w1')
    const consumer = await log.openConsumer('logger', ['labels'])
    await expect.poll(() => consumer.reachable()).toBe(true)
    const stranger = await log.nats.connect()
    stranger.publish('hindsight.events.labels', '{"from":"elsewhere"}')
    await stranger.drain()
    await writer.append('labels', [toEvent('{}', 1)])
    expect((await fetchAtLeast(consumer, 1)).map(({ origin }) => origin.writer_id)).toEqual(['w1'])
    expect(log.faults.map(String).join()).toMatch(/message 1 of hindsight.events.labels has no origin/)
    await expect.poll(async () => (await consumer.lag())[0]?.records).toBe(1)
  })

  test('keeps ids of any text', async () => {
    log = await makeNatsHarness()
    await log.startForwarder()
    const writer = await log.openWriter('w1')
    const ids = ['Zürich ✈\r\nNats-Msg-Id: x', '%41', ' ', 'a/b?c&d', '\u0000']
    await writer.append(
      'labels',
      ids.map((id) => ({ kind: 'event' as const, id, payload: '{}' })),
    )
    const records = await fetchAtLeast(await log.openConsumer('logger', ['labels']), ids.length)
    expect(records.map(({ id }) => id)).toEqual(ids)
  })
})
