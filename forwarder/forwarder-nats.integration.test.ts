import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { afterEach, expect, test } from 'vitest'
import { toEvent } from '../platform/event-log/event-log.contract.ts'
import type { EventLogConsumer, EventLogWriter } from '../platform/event-log/event-log.ts'
import { describeOutbox } from '../platform/outbox/describe-outbox.ts'
import { makeNatsHarness, type NatsHarness } from './testing/nats-harness.ts'
import { describeWithNats, natsBinaries } from '../platform/nats/testing/nats-server.ts'

const payload = 'x'.repeat(1_000)
const patience = { timeout: 180_000 }

/** A logger that keeps what it stores in memory. */
function startLogger(consumer: EventLogConsumer) {
  const stored = new Map<string, number>()
  const stopping = new AbortController()
  const work = (async () => {
    while (!stopping.signal.aborted) {
      const records = await consumer.fetch({ maxRecords: 500, maxBytes: 1e7, waitMs: 100, signal: stopping.signal })
      for (const { origin } of records) {
        const key = `${origin.epoch}/${origin.seq}`
        stored.set(key, (stored.get(key) ?? 0) + 1)
      }
      if (records.length > 0) await consumer.confirm(records)
    }
  })()
  const stop = async () => {
    stopping.abort()
    await work
    await consumer.close()
  }
  return { stored, stop }
}

describeWithNats.each(natsBinaries.map((binary) => [binary.version, binary] as const))('the forwarder on nats-server %s', (_, binary) => {
  let log: NatsHarness
  const loggers: { stop(): Promise<void> }[] = []
  afterEach(async () => {
    await Promise.all(loggers.splice(0).map((logger) => logger.stop()))
    await log.dispose()
  })

  async function open(options: Omit<Parameters<typeof makeNatsHarness>[0], 'binary'> = {}) {
    log = await makeNatsHarness({ binary, ...options })
    const forwarder = await log.startForwarder()
    return { forwarder, writer: await log.openWriter('w1') }
  }

  async function openLogger() {
    const logger = startLogger(await log.openConsumer('logger', ['predictions']))
    loggers.push(logger)
    return logger
  }

  async function append(writer: EventLogWriter, count: number) {
    for (let done = 0; done < count; done += 100)
      await writer.append(
        'predictions',
        Array.from({ length: Math.min(100, count - done) }, (_none, index) => toEvent(payload, done + index)),
      )
  }

  const waiting = async () => {
    const { writers } = await describeOutbox(log.dir)
    return writers.flatMap(({ lanes }) => lanes.flatMap(({ consumers }) => consumers)).reduce((sum, { records }) => sum + records, 0)
  }

  async function streamState() {
    const nc = await log.nats.connect()
    const jsm = await jetstreamManager(nc)
    const { state } = await jsm.streams.info('hindsight_predictions')
    await nc.close()
    return state
  }

  test('empties the outbox only when a logger has stored, not when the broker has', async () => {
    const { writer } = await open()
    await append(writer, 500)
    await expect.poll(async () => (await streamState()).messages, patience).toBe(500)
    expect(await waiting()).toBe(500)
    const logger = await openLogger()
    await expect.poll(waiting, patience).toBe(0)
    expect(logger.stored.size).toBe(500)
  })

  test('NATS is killed under load and comes back: everything arrives', async () => {
    const { writer } = await open()
    const logger = await openLogger()
    await append(writer, 1_000)
    await log.nats.kill()
    await append(writer, 1_000)
    await log.nats.restart()
    await append(writer, 1_000)
    await expect.poll(waiting, patience).toBe(0)
    expect(logger.stored.size).toBe(3_000)
  })

  test('NATS hangs, then stays away for longer than the forwarder takes to look for it: everything arrives', async () => {
    const { forwarder, writer } = await open()
    const logger = await openLogger()
    await append(writer, 100)
    await expect.poll(waiting, patience).toBe(0)
    log.nats.signal('SIGSTOP')
    await append(writer, 100)
    await expect.poll(() => forwarder.ready(), patience).toBe(false)
    await log.nats.kill()
    // Reported every two seconds: the third comes when any look under way at the end of NATS has given up too.
    const absences = () => log.faults.map(String).filter((fault) => fault.includes('no connection')).length
    await expect.poll(absences, patience).toBeGreaterThan(2)
    await log.nats.restart()
    await expect.poll(waiting, patience).toBe(0)
    expect(logger.stored.size).toBe(200)
  })

  test('the stream is deleted with all that it held: it is made again, and everything arrives', async () => {
    const { writer } = await open()
    await append(writer, 1_000)
    await expect.poll(async () => (await streamState()).messages, patience).toBe(1_000)
    const nc = await log.nats.connect()
    await (await jetstreamManager(nc)).streams.delete('hindsight_predictions')
    await nc.close()
    const logger = await openLogger()
    await append(writer, 100)
    await expect.poll(waiting, patience).toBe(0)
    expect(logger.stored.size).toBe(1_100)
  })

  test('the store comes back as an earlier copy: sequences are used again, and everything arrives', async () => {
    const { writer } = await open()
    const logger = await openLogger()
    await append(writer, 500)
    await expect.poll(waiting, patience).toBe(0)
    const copy = join(log.dir, '.copy')
    await log.nats.kill()
    await cp(log.nats.storeDir, copy, { recursive: true })
    await log.nats.restart()
    await append(writer, 500)
    await expect.poll(() => logger.stored.size, patience).toBe(1_000)
    await logger.stop()
    await append(writer, 500)
    await expect.poll(async () => (await streamState()).messages, patience).toBe(1_500)
    await log.nats.kill()
    await rm(log.nats.storeDir, { recursive: true })
    await cp(copy, log.nats.storeDir, { recursive: true })
    await log.nats.restart()
    const other = await openLogger()
    await append(writer, 500)
    await expect.poll(waiting, patience).toBe(0)
    expect(new Set([...logger.stored.keys(), ...other.stored.keys()]).size).toBe(2_000)
  })

  test('a stopped logger fills the outbox, not the stream: nothing unconfirmed is discarded', async () => {
    const { forwarder, writer } = await open({ values: { NATS_STREAM_MAX_BYTES: String(1024 ** 2) } })
    await append(writer, 3_000)
    await expect.poll(() => forwarder.lanes.get('predictions')?.state().underWay, patience).toBe(0)
    await expect.poll(async () => (await streamState()).bytes, patience).toBeGreaterThan(0)
    const { messages, first_seq } = await streamState()
    expect(first_seq).toBe(1)
    expect(messages).toBeLessThan(400)
    const logger = await openLogger()
    await expect.poll(waiting, patience).toBe(0)
    expect(logger.stored.size).toBe(3_000)
  })

  test('a forwarder that is started again sends what was not confirmed, and two cannot share a directory', async () => {
    const { forwarder, writer } = await open()
    await append(writer, 200)
    await expect.poll(async () => (await streamState()).messages, patience).toBe(200)
    await expect(log.startForwarder()).rejects.toMatchObject({ code: 'outbox_unavailable' })
    await forwarder.close()
    await log.startForwarder()
    const logger = await openLogger()
    await expect.poll(waiting, patience).toBe(0)
    expect(logger.stored.size).toBe(200)
    expect((await streamState()).messages).toBe(400)
  })

  test('a record above the server’s max_payload does not hold up the others', async () => {
    const { writer } = await open({ config: 'max_payload: 65536' })
    await writer.append('predictions', [toEvent('y'.repeat(200_000), 0)])
    await append(writer, 10)
    const logger = await openLogger()
    await expect.poll(waiting, patience).toBe(0)
    expect(logger.stored.size).toBe(11)
  })

  test('closes although the server hangs, and so does a consumer', async () => {
    const { forwarder, writer } = await open()
    const consumer = await log.openConsumer('logger', ['predictions'])
    await append(writer, 100)
    await expect.poll(async () => (await consumer.lag()).length, patience).toBe(1)
    log.nats.signal('SIGSTOP')
    await append(writer, 100)
    await expect.poll(() => forwarder.lanes.get('predictions')?.state().underWay, patience).toBeGreaterThan(0)
    // The client finds out only after minutes that nobody answers.
    await Promise.all([forwarder.close(), consumer.close()])
    log.nats.signal('SIGCONT')
  })

  test('frees the segments of confirmed records', async () => {
    const { writer } = await open()
    await openLogger()
    await append(writer, 2_000)
    await expect.poll(waiting, patience).toBe(0)
    await expect.poll(() => writer.status().find(({ lane }) => lane === 'predictions')?.segments, patience).toBe(1)
  })
})
