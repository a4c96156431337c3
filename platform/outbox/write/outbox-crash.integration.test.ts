import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { seal } from '../../../contracts/origin.ts'
import { fetchAtLeast } from '../../event-log/event-log.contract.ts'
import { openOutboxWriter } from './outbox-writer.ts'
import type { EventLogConsumer, LogRecord } from '../../event-log/event-log.ts'
import { makeOutboxHarness } from '../testing/outbox-harness.ts'
import { describeOutbox } from '../describe-outbox.ts'
import { embeddedConsumers } from '../../../contracts/lane-consumers.ts'
import { casesOf } from '../../../test/testing/full-run.ts'

const lanes = ['predictions', 'labels'] as const
const rounds = casesOf({ few: 2, all: 5 })
const script = fileURLToPath(new URL('../testing/crashing-writer.ts', import.meta.url))

let log: Awaited<ReturnType<typeof makeOutboxHarness>>
beforeEach(async () => {
  log = await makeOutboxHarness()
})
afterEach(() => log.dispose())

it('keeps every acknowledged record of a process killed at full rate, once and in order, and seals its epoch', async () => {
  const consumer = await log.openConsumer('logger', lanes)
  const acknowledged = new Map<string, number>()
  const read = new Map<string, LogRecord[]>()
  for (let round = 0; round < rounds; round += 1) {
    await runUntilKilled({ segmentBytes: 200_000, afterAnswers: 300 + 211 * round, acknowledged })
    await readWhatThereIs(consumer, read)
  }
  const writer = await log.openWriter('w1')
  await readUntilSealed(consumer, read, [...acknowledged.keys()])
  expect(new Set([...acknowledged.keys()].map((key) => key.split('/')[0])).size).toBe(rounds)
  for (const [key, lastSeq] of acknowledged) {
    const records = read.get(key) ?? []
    expect(records.map(({ origin }) => origin.seq)).toEqual(records.map((_, index) => index + 1))
    expect(records.filter(({ kind }) => kind === 'event').length).toBeGreaterThanOrEqual(lastSeq)
    for (const { id, payload, kind } of records) if (kind === 'event') expectOwnPayload(id, payload)
    expectSeals(records)
  }
  await writer.close()
})

it('ends the epoch of a process that was killed and never comes back, from any other writer', async () => {
  const acknowledged = new Map<string, number>()
  await runUntilKilled({ segmentBytes: 200_000, afterAnswers: 200, acknowledged })
  const other = await openOutboxWriter({
    dir: log.dir,
    writerId: 'w2',
    consumersOf: embeddedConsumers,
    maintainEveryMs: 20,
    adoptEveryMs: 20,
  })
  const consumer = await log.openConsumer('logger', lanes)
  const read = new Map<string, LogRecord[]>()
  await readUntilSealed(consumer, read, [...acknowledged.keys()])
  for (const key of acknowledged.keys()) expectSeals(read.get(key) ?? [])
  await vi.waitFor(
    async () => {
      const states = (await describeOutbox(log.dir)).writers.map(({ writerId, state }) => `${writerId} ${state}`)
      expect(states).toEqual(['w1 released', 'w2 alive'])
    },
    { timeout: 180_000 },
  )
  await other.close()
})

/** Every seal must vouch for just the records between it and the one before it; the last one ends the epoch. */
function expectSeals(records: LogRecord[]): void {
  let unsealedFrom = 1
  for (const record of records.filter(({ kind }) => kind === 'seal')) {
    const body = seal.parse(JSON.parse(Buffer.from(record.payload).toString()))
    const covered = records.filter(({ origin, kind }) => kind !== 'seal' && origin.seq >= unsealedFrom && origin.seq < record.origin.seq)
    const [first_seq, last_seq] = [covered[0]?.origin.seq, covered.at(-1)?.origin.seq]
    expect(body).toMatchObject({ first_seq, last_seq, count: covered.length })
    unsealedFrom = record.origin.seq + 1
  }
  expect(records.at(-1)?.kind).toBe('seal')
  expect(seal.parse(JSON.parse(Buffer.from(records.at(-1)?.payload ?? []).toString())).reason).toBe('recovery')
}

function expectOwnPayload(id: string, payload: Uint8Array): void {
  const body = JSON.parse(Buffer.from(payload).toString()) as { client: number; text: string }
  expect(id.split('-')[1]).toBe(String(body.client))
  expect(body.text).toHaveLength((body.client * 37) % 900)
}

async function runUntilKilled(options: { segmentBytes: number; afterAnswers: number; acknowledged: Map<string, number> }): Promise<void> {
  const child = spawn(process.execPath, ['--import=#typescript', script, log.dir, String(options.segmentBytes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let epoch = ''
  let answers = 0
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, first, last] = line.split(' ')
    if (what === 'epoch') epoch = first ?? ''
    // A kill may cut the last line short, and then that answer was never given.
    else if (last !== undefined && last !== '') options.acknowledged.set(`${epoch}/${what}`, Number(last))
    answers += 1
    if (answers === options.afterAnswers) child.kill('SIGKILL')
  }
  const [, signal] = (await exited) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
}

async function readWhatThereIs(consumer: EventLogConsumer, into: Map<string, LogRecord[]>): Promise<void> {
  for (;;) {
    const records = await consumer.fetch({ maxRecords: 1_000, maxBytes: 1_000_000, waitMs: 50 })
    if (records.length === 0) return
    keep(records, into)
    await consumer.confirm(records)
  }
}

async function readUntilSealed(consumer: EventLogConsumer, into: Map<string, LogRecord[]>, keys: string[]): Promise<void> {
  while (keys.some((key) => into.get(key)?.at(-1)?.kind !== 'seal')) keep(await fetchAtLeast(consumer, 1), into)
}

function keep(records: LogRecord[], into: Map<string, LogRecord[]>): void {
  for (const record of records) {
    const key = `${record.origin.epoch}/${record.origin.lane}`
    into.set(key, [...(into.get(key) ?? []), record])
  }
}
