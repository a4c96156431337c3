import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { featureEventPayloadHash, type FeatureEvent } from '../../contracts/feature-event.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import { openOutboxWriter } from '../../platform/outbox/write/outbox-writer.ts'
import { withinHour } from '../../platform/outbox/testing/within-hour.ts'
import type { EventLogConsumer, LogRecord } from '../../platform/event-log/event-log.ts'
import { openLmdbOnlineStore } from '../../platform/online-store/online-store-lmdb.ts'
import type { OnlineStore } from '../../platform/online-store/online-store.ts'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import type { FeatureValue } from '../engine/feature-value.ts'
import { readFeatures } from '../engine/read-features.ts'
import { planRead } from '../engine/store-keys.ts'
import { testDefinitions, testSource, windowedView } from './view-cases.ts'
import { embeddedConsumers } from '../../contracts/lane-consumers.ts'
import { openOutboxConsumer } from '../../platform/outbox/read/outbox-consumer.ts'

/** The features service as a real process on a real outbox, online store and warehouse, with the test as gateway and logger. */
export async function createFeaturesHarness(server: TestWarehouse) {
  const dataDir = await mkdtemp(join(tmpdir(), 'hindsight-features-'))
  const projectDir = join(dataDir, 'project')
  const outbox = join(dataDir, 'outbox')
  await writeProject(projectDir)
  const tables = ['feature_events', 'rejects', 'seals', 'delivered']
  await Promise.all(tables.map((table) => server.warehouse.command(`TRUNCATE TABLE bronze.${table}`)))
  const logger = await openOutboxConsumer({ dir: outbox, name: 'logger', lanes: ['feature_events'] })
  let child: ChildProcess | undefined

  return {
    dataDir,
    openWriter: (writerId: string) => openOutboxWriter({ dir: outbox, writerId, consumersOf: embeddedConsumers, now: withinHour() }),
    openStore: (): OnlineStore => openLmdbOnlineStore({ dir: join(dataDir, 'online-store'), readOnly: true }),
    openWritableStore: () => openLmdbOnlineStore({ dir: join(dataDir, 'online-store') }),
    async start(env: Record<string, string> = {}): Promise<void> {
      child = fork(fileURLToPath(new URL('../main.ts', import.meta.url)), [], {
        execArgv: ['--import=#typescript'],
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        env: {
          ...process.env,
          HINDSIGHT_DATA_DIR: dataDir,
          HINDSIGHT_PROJECT_DIR: projectDir,
          CLICKHOUSE_URL: server.url,
          HINDSIGHT_LOG_LEVEL: 'error',
          ...env,
        },
      })
      child.stdout?.resume()
      await once(child, 'message')
    },
    async kill(): Promise<void> {
      const running = child
      child = undefined
      if (running === undefined) return
      running.kill('SIGKILL')
      await once(running, 'exit')
    },
    /** Asks the service to drain; resolves with its exit status. */
    async stop(): Promise<number | null> {
      const running = child
      child = undefined
      if (running === undefined) return null
      running.kill('SIGTERM')
      const [code] = (await once(running, 'exit')) as [number | null]
      return code
    },
    /** Puts what the log holds into bronze, as the logger does. Returns how many records there were. */
    storeInBronze: () => storeInBronze(logger, server.warehouse),
    async dispose(): Promise<void> {
      child?.kill('SIGKILL')
      await logger.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export type FeaturesHarness = Awaited<ReturnType<typeof createFeaturesHarness>>

async function writeProject(dir: string): Promise<void> {
  await mkdir(join(dir, 'features'), { recursive: true })
  await mkdir(join(dir, 'sources'), { recursive: true })
  // JSON is valid YAML, so the definition is written as it is.
  await writeFile(join(dir, 'sources', `${testSource.name}.yaml`), JSON.stringify(testSource))
  for (const definition of testDefinitions) await writeFile(join(dir, 'features', `${definition.name}.yaml`), JSON.stringify(definition))
}

export type TestEvent = { id: string; sensor: string; timeMs: number; level?: number; knownAtMs?: number; retracts?: string }

/** The record of an event as the gateway appends it. */
export function toAppend(event: TestEvent, ingestedAtMs: number): { kind: 'event'; id: string; payload: string } {
  const fields = {
    keys: { sensor: event.sensor, site: 'x' },
    values: event.level === undefined ? {} : { level: event.level },
    event_time: toTimestamp(event.timeMs),
    known_at: toTimestamp(event.knownAtMs ?? event.timeMs),
    ...(event.retracts === undefined ? {} : { retracts: event.retracts }),
  }
  const full: FeatureEvent = {
    ...fields,
    schema_version: 1,
    event_id: event.id,
    tenant: 'default',
    payload_hash: featureEventPayloadHash('reading', fields),
    source: 'reading',
    ingested_at: toTimestamp(ingestedAtMs),
  }
  return { kind: 'event', id: event.id, payload: JSON.stringify(full) }
}

/** Resolves when the store has applied this position. */
export async function untilApplied(store: OnlineStore, writerId: string, epoch: number, seq: number, timeoutMs = 15_000): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs
  for (;;) {
    const applied = await store.applied().catch(() => [])
    if (applied.some((position) => position.writer_id === writerId && position.epoch === epoch && position.seq >= seq)) return
    if (performance.now() > giveUpAt) throw new Error(`${writerId}/${epoch}/${seq} was not applied: ${JSON.stringify(applied)}`)
    await sleep(2)
  }
}

export async function readSensor(store: OnlineStore, sensor: string, anchorMs: number): Promise<Map<string, FeatureValue>> {
  const { values } = await store.read(planRead(windowedView, 'default', sensor, anchorMs))
  return readFeatures(windowedView, values, anchorMs)
}

async function storeInBronze(
  consumer: EventLogConsumer,
  warehouse: { insert(table: string, rows: object[]): Promise<void> },
): Promise<number> {
  let stored = 0
  for (;;) {
    const records = await consumer.fetch({ maxRecords: 10_000, maxBytes: 32 * 1024 * 1024, waitMs: 300 })
    if (records.length === 0) return stored
    const tables = new Map<string, object[]>()
    for (const record of records) {
      const [table, row] = toBronzeRow(record)
      tables.set(table, [...(tables.get(table) ?? []), row])
    }
    for (const [table, rows] of tables) await warehouse.insert(table, rows)
    await warehouse.insert(
      'bronze.delivered',
      records.map(({ origin: { seq, ...stream } }) => ({ ...stream, first_seq: seq, last_seq: seq })),
    )
    await consumer.confirm(records)
    stored += records.length
  }
}

function toBronzeRow({ origin, kind, payload, appendedAtMs, id }: LogRecord): [string, object] {
  const stamp = { ...origin, appended_at: toTimestamp(appendedAtMs) }
  if (kind === 'seal') return ['bronze.seals', { ...parse(payload), ...stamp, payload_hash: 'seal' }]
  const event = parse(payload)
  if (kind === 'reject' || event === undefined || event['source'] === undefined) return ['bronze.rejects', { id, kind, ...stamp }]
  const { values, ...fields } = event as FeatureEvent
  return ['bronze.feature_events', { ...fields, values_number: values, ...stamp }]
}

function parse(payload: Uint8Array): Record<string, unknown> | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>
  } catch {
    return undefined
  }
}
