import { afterAll, beforeAll, expect, test } from 'vitest'
import { aggregations, needsValue, needsWindow, takes } from '../contracts/aggregations.ts'
import { eventSourceDefinition } from '../contracts/event-source.ts'
import { featureEventV1 } from '../contracts/feature-event.ts'
import { featureViewDefinition } from '../contracts/feature-view.ts'
import { modelDefinition } from '../contracts/model-definition.ts'
import type { ServedFeature } from '../contracts/prediction-event.ts'
import { valueType } from '../contracts/primitives.ts'
import { startTestWarehouse, type TestWarehouse } from '../embedded-warehouse/testing/warehouse-chdb.ts'
import { createAssembler } from '../features/assembly/assembler.ts'
import { compileView } from '../features/engine/compile-view.ts'
import { toFact } from '../features/engine/fact.ts'
import { defaultMaintenancePolicy } from '../features/engine/maintain.ts'
import { windowFeaturesSql } from '../features/offline/window-features-sql.ts'
import { createEngineHarness } from '../features/testing/engine-harness.ts'
import { toFeatureEventRow } from '../platform/schema/rows/feature-event-row.ts'
import { toPredictionRow } from '../platform/schema/rows/prediction-row.ts'
import { featureEvent, predictionEvent, toRecord } from '../logger/testing/records.ts'
import { featureType } from '../platform/project/feature-types.ts'
import type { Project } from '../platform/project/project.ts'
import { migrate } from '../platform/schema/migrate.ts'
import { createTypedViews } from '../platform/schema/typed-views.ts'

const anchorTimeMs = Date.parse('2001-06-04T12:00:00.000Z')
const sent = { number: 2.5, text: 'open', boolean: true }

const source = eventSourceDefinition.parse({
  name: 'readings',
  description: '',
  owner: 'tests',
  keys: { sensor: { entity: 'sensor' } },
  values: Object.fromEntries(valueType.options.map((type) => [type, { type }])),
})

/** Every aggregation over every value that it takes, over none where it may, and of all time where it may. */
const features = aggregations.flatMap((aggregation) => {
  const values = valueType.options.filter((type) => takes(aggregation, type))
  const windows = [3600, ...(needsWindow(aggregation) ? [] : [undefined])]
  return [...(needsValue(aggregation) ? [] : [undefined]), ...values].flatMap((value) =>
    windows.map((window_seconds) => ({
      name: `${aggregation}_${value ?? 'events'}_${window_seconds ?? 'ever'}`,
      aggregation,
      value,
      window_seconds,
    })),
  )
})
const definition = featureViewDefinition.parse({
  name: 'by_sensor',
  description: '',
  owner: 'tests',
  source: 'readings',
  key: 'sensor',
  entity: 'sensor',
  features,
})
const view = compileView(definition, source)

const online = features.map(({ name }) => ({ name, source: 'online', view: 'by_sensor', feature: name, entity: 'sensor' }))
const alert = modelDefinition.parse({
  name: 'alert',
  description: '',
  owner: 'tests',
  task: 'regression',
  primary_label: 'failed',
  score: 'score',
  entities: { sensor: { entity: 'sensor' } },
  outputs: { score: { description: '' } },
  features: online,
})
const model = {
  definition: alert,
  features: new Map(alert.features.map((feature) => [feature.name, feature])),
  featureHashes: new Map(alert.features.map(({ name }) => [name, 'a'.repeat(64)])),
}
const project = {
  sources: new Map([['readings', source]]),
  views: new Map([['by_sensor', definition]]),
  lookups: new Map(),
  models: new Map([['alert', model]]),
} as unknown as Project

let server: TestWarehouse

beforeAll(async () => {
  server = await startTestWarehouse()
  await migrate(server.warehouse)
  await server.warehouse.command(
    `CREATE OR REPLACE VIEW gold.predictions AS SELECT *, true AS counts FROM silver.predictions COMMENT 'All count.'`,
  )
})
afterAll(async () => {
  await server?.stop()
})

test('the project, the engine, the event, the SQL and the typed view agree on the type of every aggregation', async () => {
  const event = featureEventV1.parse(featureEvent(1, { source: 'readings', keys: { sensor: 's1' }, values: sent }))
  const stored = toRecord(event, { lane: 'feature_events' })
  const served = await serve(event)
  await server.warehouse.insert('bronze.feature_events', [toFeatureEventRow(event, stored)])
  const prediction = predictionEvent(1, { model: 'alert', entities: { sensor: 's1' }, features: served })
  await server.warehouse.insert('bronze.prediction_events', [toPredictionRow(prediction, toRecord(prediction))])
  await createTypedViews(server.warehouse, project)

  const anchors = `(SELECT 'a' AS row_id, 's1' AS entity_id, toDateTime64('2001-06-04 12:00:00', 3, 'UTC') AS anchor_time)`
  const [computed] = await rowsOf(
    windowFeaturesSql({ view, tenant: 'default', events: 'bronze.feature_events', history: 'records', anchors }),
  )
  const [shown] = await rowsOf('SELECT * FROM gold.alert')

  const declared = alert.features.map((feature) => [feature.name, featureType(feature, project)])
  const engine = served.map(({ name, value }) => [name, value])
  expect(engine).toEqual(prediction.features.map(({ name, value }) => [name, value]))
  expect(engine.map(([name, value]) => [name, typeof value === 'string' ? 'text' : typeof value])).toEqual(declared)
  expect(features.map(({ name }) => [name, computed?.[name]])).toEqual(engine)
  expect(features.map(({ name }) => [name, shown?.[name]])).toEqual(engine)
})

async function serve(event: Parameters<typeof toFact>[0]): Promise<ServedFeature[]> {
  const harness = await createEngineHarness([view], defaultMaintenancePolicy)
  await harness.apply([toFact(event, toRecord(event, { lane: 'feature_events' }).origin)], anchorTimeMs)
  const read = await harness.read(view, 's1', anchorTimeMs)
  const request = { anchor: 'request', anchorTimeMs, entities: { sensor: 's1' }, features: {}, online: () => read }
  return createAssembler({ project, model, names: model.features.keys() }).assemble(request)
}

async function rowsOf(sql: string): Promise<Record<string, unknown>[]> {
  return await server.warehouse.query<Record<string, unknown>>(sql)
}
