import * as fs from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openOutboxWriter } from '../write/outbox-writer.ts'
import { openOutboxConsumer } from '../read/outbox-consumer.ts'

/**
 * Prints what the outbox does on this disk beside a plain loop of one write and one fdatasync per record.
 * Run: node --import=#typescript platform/outbox/testing/measure-outbox.ts [directory]
 */
const recordBytes = 1_100
const seconds = 3
const consumersOf = { predictions: ['logger'], labels: ['logger'], feature_events: ['logger'], batch_predictions: ['logger'] }
const payload = 'x'.repeat(recordBytes)

type Figures = { records: number; elapsedMs: number; latenciesMs: number[] }

function print(what: string, { records, elapsedMs, latenciesMs }: Figures): number {
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? NaN).toFixed(2)
  const perSecond = (records / elapsedMs) * 1_000
  process.stdout.write(`${what.padEnd(44)} ${perSecond.toFixed(0).padStart(8)} records/s   p50 ${at(0.5)} ms   p99 ${at(0.99)} ms\n`)
  return perSecond
}

async function plainLoop(dir: string): Promise<Figures> {
  const [write, datasync] = [promisify(fs.write), promisify(fs.fdatasync)]
  const fd = fs.openSync(join(dir, 'plain'), 'w')
  const record = Buffer.from(payload)
  const latenciesMs: number[] = []
  const began = performance.now()
  while (performance.now() - began < seconds * 1_000) {
    const start = performance.now()
    await write(fd, record, 0, record.length, latenciesMs.length * record.length)
    await datasync(fd)
    latenciesMs.push(performance.now() - start)
  }
  fs.closeSync(fd)
  return { records: latenciesMs.length, elapsedMs: performance.now() - began, latenciesMs }
}

/** This many clients, each with one record under way at a time. */
async function closedLoop(dir: string, clients: number, durability: 'disk' | 'process'): Promise<Figures> {
  const writer = await openOutboxWriter({ dir, writerId: `c${clients}-${durability}`, consumersOf })
  const latenciesMs: number[] = []
  await writer.append('predictions', [{ kind: 'event', id: 'first', payload }])
  const began = performance.now()
  const client = async () => {
    while (performance.now() - began < seconds * 1_000) {
      const start = performance.now()
      await writer.append('predictions', [{ kind: 'event', id: `id-${latenciesMs.length}`, payload }], { durability })
      latenciesMs.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  const elapsedMs = performance.now() - began
  await writer.close()
  return { records: latenciesMs.length, elapsedMs, latenciesMs }
}

/** Records at a fixed rate, whether or not the ones before are answered. */
async function openLoop(dir: string, perSecond: number): Promise<Figures> {
  const writer = await openOutboxWriter({ dir, writerId: `r${perSecond}`, consumersOf })
  const latenciesMs: number[] = []
  const pending: Promise<unknown>[] = []
  const began = performance.now()
  for (let sent = 0; sent < perSecond * seconds;) {
    for (const due = ((performance.now() - began) / 1_000) * perSecond; sent < due; sent += 1) {
      const start = performance.now()
      const answered = writer.append('predictions', [{ kind: 'event', id: `id-${sent}`, payload }])
      pending.push(answered.then(() => latenciesMs.push(performance.now() - start)))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(pending)
  const elapsedMs = performance.now() - began
  await writer.close()
  return { records: latenciesMs.length, elapsedMs, latenciesMs }
}

async function readAll(dir: string): Promise<Figures> {
  const consumer = await openOutboxConsumer({ dir, name: 'logger', lanes: ['predictions'] })
  const latenciesMs: number[] = []
  let records = 0
  const began = performance.now()
  for (;;) {
    const start = performance.now()
    const batch = await consumer.fetch({ maxRecords: 10_000, maxBytes: 8 * 1024 * 1024, waitMs: 0 })
    if (batch.length === 0) break
    await consumer.confirm(batch)
    records += batch.length
    latenciesMs.push(performance.now() - start)
  }
  const elapsedMs = performance.now() - began
  await consumer.close()
  return { records, elapsedMs, latenciesMs }
}

const dir = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'measure-outbox-'))
try {
  const plain = print('write + fdatasync per record', await plainLoop(dir))
  for (const clients of [1, 16, 64, 256]) {
    const outbox = print(`outbox, ${clients} clients`, await closedLoop(dir, clients, 'disk'))
    process.stdout.write(`${''.padEnd(44)} ${(outbox / plain).toFixed(1).padStart(8)} times the plain loop\n`)
  }
  print("outbox, 64 clients, durability 'process'", await closedLoop(dir, 64, 'process'))
  for (const rate of [500, 2_000, 8_000]) print(`outbox, ${rate} records/s offered`, await openLoop(dir, rate))
  print('consumer, fetch and confirm of all of it', await readAll(dir))
} finally {
  await rm(dir, { recursive: true, force: true })
}
