import { v7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { modelDefinition } from '../../contracts/model-definition.ts'
import type { ProjectModel } from '../../platform/project/project.ts'
import { startMigratedWarehouse } from '../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { testDefinitions, testSource } from '../testing/view-cases.ts'
import { measureSkew } from './skew.ts'
import { toSkewText } from './skew-text.ts'

const baseMs = Date.UTC(2001, 5, 4, 12)
const minuteMs = 60_000

let server: TestWarehouse

beforeAll(async () => {
  server = await startMigratedWarehouse()
})
afterAll(async () => {
  await server?.stop()
})

const online = (name: string, feature: string) => ({ name, source: 'online', view: 'readings', feature, entity: 'sensor' })
const definition = modelDefinition.parse({
  name: 'alert',
  description: 'Whether a sensor fails.',
  owner: 'tests',
  task: 'binary_classification',
  primary_label: 'failed',
  entities: { sensor: { entity: 'sensor' } },
  outputs: { score: { description: 'Probability of failure.' } },
  score: 'score',
  features: [online('readings_20m', 'count_20m'), online('level_mean', 'mean_level_20m'), online('mode_last', 'last_mode')],
})
const features = new Map(definition.features.map((feature) => [feature.name, feature]))
const featureHashes = new Map(definition.features.map((feature) => [feature.name, 'a'.repeat(64)]))
const model = { definition, features, featureHashes } as unknown as ProjectModel
const project = {
  models: new Map([['alert', model]]),
  views: new Map(testDefinitions.map((view) => [view.name, view])),
  sources: new Map([[testSource.name, testSource]]),
}

function toTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

type Served = { count?: number; mean?: number; mode?: string; status?: string; reason?: string; hash?: string }

function predictionRow(minute: number, seq: number, served: Served): object {
  const names = ['readings_20m', 'level_mean', 'mode_last']
  const values = { readings_20m: served.count, level_mean: served.mean }
  const has = (name: string) => (name === 'mode_last' ? served.mode : values[name as 'level_mean']) !== undefined
  const missing = names.filter((name) => !has(name))
  return {
    prediction_id: v7(),
    decision_id: v7(),
    tenant: 'default',
    payload_hash: 'b'.repeat(64),
    model: 'alert',
    model_version: '1',
    entities: { sensor: 's1' },
    anchor_time: toTime(baseMs + minute * minuteMs),
    features_number: Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)),
    features_text: served.mode === undefined ? {} : { mode_last: served.mode },
    feature_status: Object.fromEntries(names.map((name) => [name, has(name) ? 'ok' : (served.status ?? 'missing')])),
    feature_reason: Object.fromEntries(missing.map((name) => [name, served.reason ?? 'no_events'])),
    feature_definition: Object.fromEntries(names.map((name) => [name, served.hash ?? 'a'.repeat(64)])),
    features_as_of: seq === 0 ? [] : [{ writer_id: 'gateway', epoch: 1, seq }],
    ingested_at: toTime(baseMs),
    predicted_at: toTime(baseMs),
    retention_until: '2200-01-01T00:00:00.000Z',
    writer_id: 'gateway',
    epoch: 1,
    lane: 'predictions',
    seq: nextSeq++,
  }
}
let nextSeq = 1

function eventRow(seq: number, minute: number, level: number, mode: string): object {
  return {
    event_id: `e${seq}`,
    tenant: 'default',
    payload_hash: 'c'.repeat(64),
    source: 'reading',
    keys: { sensor: 's1', site: 'x' },
    values_number: { level },
    values_text: { mode },
    event_time: toTime(baseMs + minute * minuteMs),
    known_at: toTime(baseMs + minute * minuteMs),
    ingested_at: toTime(baseMs + seq),
    writer_id: 'gateway',
    epoch: 1,
    lane: 'feature_events',
    seq,
  }
}

test('tells late data from faults, and leaves out what cannot be compared', async () => {
  await server.warehouse.insert('bronze.feature_events', [eventRow(1, -4, 10, 'on'), eventRow(2, -3, 20, 'off'), eventRow(3, -2, 60, 'on')])
  await server.warehouse.insert('bronze.prediction_events', [
    predictionRow(0, 3, { count: 3, mean: 30, mode: 'on' }),
    // The third event was known at the anchor and not yet applied.
    predictionRow(1, 2, { count: 2, mean: 15, mode: 'off' }),
    // This anchor is before all events.
    predictionRow(-60, 3, { count: 0 }),
    predictionRow(2, 3, { count: 3, mean: 31, mode: 'on' }),
    predictionRow(3, 3, { count: 3, mean: 30, mode: 'never' }),
    predictionRow(4, 3, { status: 'missing', reason: 'anchor_too_old' }),
    predictionRow(5, 3, { count: 3, mean: 99, mode: 'x', hash: 'd'.repeat(64) }),
  ])
  const report = await measureSkew({
    warehouse: server.warehouse,
    project,
    model: 'alert',
    anchorFrom: toTime(baseMs - 120 * minuteMs),
    anchorTo: toTime(baseMs + 120 * minuteMs),
  })
  expect(report).toMatchObject({ predictions: 7, compared: 15, unexplained: 2, late: 3 })
  const by = new Map(report.features.map((feature) => [feature.feature, feature]))
  expect(by.get('readings_20m')).toMatchObject({
    compared: 5,
    applied: { different: 0 },
    known: { different: 1 },
    skipped: { refused: 1, other_definition: 1 },
  })
  expect(by.get('level_mean')).toMatchObject({
    applied: { different: 1, largest_difference: 1 },
    known: { different: 2, largest_difference: 15 },
  })
  expect(by.get('mode_last')).toMatchObject({ applied: { different: 1 }, known: { different: 2 } })
  expect(by.get('mode_last')?.applied.examples).toEqual([expect.objectContaining({ entity_id: 's1', served: 'never', recomputed: 'on' })])
  expect(toSkewText(report)).toContain('late data')
})

test('an empty range and an unknown model', async () => {
  const options = { warehouse: server.warehouse, project, anchorFrom: '2020-01-01T00:00:00Z', anchorTo: '2020-01-02T00:00:00Z' }
  expect(await measureSkew({ ...options, model: 'alert' })).toMatchObject({ predictions: 0, compared: 0, unexplained: 0, late: 0 })
  await expect(measureSkew({ ...options, model: 'none' })).rejects.toMatchObject({ code: 'unknown_model' })
})
