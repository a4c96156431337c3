import { afterAll, beforeAll, expect, test } from 'vitest'
import { modelDefinition, type ModelDefinition } from '../../contracts/model-definition.ts'
import type { Project, ProjectModel } from '../project/project.ts'
import { startMigratedWarehouse } from '../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import type { Warehouse } from '../warehouse/warehouse.ts'
import { createTypedViews } from './typed-views.ts'

let server: TestWarehouse
let warehouse: Warehouse

beforeAll(async () => {
  server = await startMigratedWarehouse()
  warehouse = server.warehouse
  const columns = await warehouse.query<{ declared: string }>(
    `SELECT concat('"', name, '" ', type, ' COMMENT \\'', name, ' of silver\\'') AS declared FROM system.columns WHERE database = 'silver' AND table = 'predictions'`,
  )
  await warehouse.command(`CREATE OR REPLACE VIEW gold.predictions (${columns.map(({ declared }) => declared).join(', ')}, outcome Nullable(Float64) COMMENT 'The outcome.', counts Bool COMMENT 'Counts.')
AS SELECT *, if(request_id = 'r1', 1, NULL) AS outcome, request_id != 'r3' AS counts FROM silver.predictions COMMENT 'Every prediction.'`)
  await warehouse.insert('bronze.prediction_events', [
    row('r1', { distance: 100, holiday: 1 }, { origin: 'ORD' }),
    row('r2', {}, {}),
    row('r3', {}, {}),
  ])
})
afterAll(() => server.stop())

function row(requestId: string, numbers: Record<string, number>, texts: Record<string, string>): object {
  return {
    prediction_id: `019b8e0f-0000-7000-8000-00000000000${requestId.slice(1)}`,
    tenant: 'default',
    request_id: requestId,
    payload_hash: 'a'.repeat(64),
    model: 'flight-delay',
    entities: { origin: 'ORD' },
    features_number: numbers,
    features_text: texts,
    outputs_number: requestId === 'r1' ? { probability: 0.25 } : {},
    retention_until: '2100-01-01 00:00:00.000',
    writer_id: 'w',
    epoch: 1,
    lane: 'predictions',
    seq: Number(requestId.slice(1)),
  }
}

const definition: ModelDefinition = modelDefinition.parse({
  name: 'flight-delay',
  description: 'Late?',
  owner: 'team',
  task: 'binary_classification',
  primary_label: 'late',
  score: 'probability',
  entities: { origin: { entity: 'airport' } },
  outputs: { probability: { description: "The probability; it's calibrated", unit: 'probability' } },
  features: [
    { name: 'distance', source: 'request', unit: 'miles' },
    { name: 'holiday', source: 'request', type: 'boolean' },
    { name: 'origin', source: 'request', type: 'text', from_entity: 'origin' },
    { name: 'model_version', source: 'request' },
  ],
})

function projectOf(...models: ModelDefinition[]): Project {
  const toModel = (model: ModelDefinition) =>
    ({ definition: model, features: new Map(model.features.map((feature) => [feature.name, feature])) }) as unknown as ProjectModel
  const none = new Map<string, never>()
  return {
    dir: '',
    sources: none,
    views: none,
    labels: none,
    lookups: none,
    problems: [],
    models: new Map(models.map((model) => [model.name, toModel(model)])),
  }
}

test('gives a column of its own type to every output, feature and entity of what counts, null where nothing was served', async () => {
  expect(await createTypedViews(warehouse, projectOf(definition))).toEqual({ names: ['flight_delay'], failed: {} })
  const rows = await warehouse.query(
    'SELECT request_id, probability, distance, holiday, origin, feature_model_version, entity_origin, outcome FROM gold.flight_delay ORDER BY request_id',
  )
  expect(rows).toEqual([
    {
      request_id: 'r1',
      probability: 0.25,
      distance: 100,
      holiday: true,
      origin: 'ORD',
      feature_model_version: null,
      entity_origin: 'ORD',
      outcome: 1,
    },
    {
      request_id: 'r2',
      probability: null,
      distance: null,
      holiday: null,
      origin: null,
      feature_model_version: null,
      entity_origin: 'ORD',
      outcome: null,
    },
  ])
})

test('comments its columns with source and unit', async () => {
  const columns = await warehouse.query<{ name: string; type: string; comment: string }>(
    `SELECT name, type, comment FROM system.columns WHERE database = 'gold' AND table = 'flight_delay'`,
  )
  const commentOf = (name: string) => columns.find((column) => column.name === name)
  expect(commentOf('distance')).toMatchObject({
    type: 'Nullable(Float64)',
    comment: 'Feature (request). Unit: miles. Null where the model saw it as missing.',
  })
  expect(commentOf('probability')?.comment).toBe(
    "Output. The probability; it's calibrated. Unit: probability. Null where the model gave none.",
  )
  expect(commentOf('prediction_id')?.comment).toBe('prediction_id of silver')
})

test('a filter on the view reaches the table beneath', async () => {
  const plan = await warehouse.query<{ explain: string }>(
    `EXPLAIN indexes = 1 SELECT count() FROM gold.flight_delay WHERE prediction_id = '019b8e0f-0000-7000-8000-000000000001'`,
  )
  const text = plan.map(({ explain }) => explain).join('\n')
  expect(text).toContain('by_prediction_id')
  expect(text).toMatch(/toDate\(UUIDv7ToDateTime\(prediction_id, 'UTC'\)\) in/)
})

test('follows the project: a changed model is re-created, the view of one that is gone is dropped', async () => {
  const renamed = {
    ...definition,
    name: 'delay',
    features: [{ name: 'speed', source: 'request' as const, type: 'number' as const, on_missing: 'reject' as const }],
  }
  expect(await createTypedViews(warehouse, projectOf(renamed))).toEqual({ names: ['delay'], failed: {} })
  const tables = await warehouse.query<{ name: string }>(`SELECT name FROM system.tables WHERE database = 'gold' ORDER BY name`)
  expect(tables.map(({ name }) => name)).toEqual(['delay', 'evaluations', 'predictions'])
})

test('a model that cannot have a view is without one, and the others have theirs', async () => {
  await warehouse.command(`CREATE VIEW gold.mine AS SELECT 1 AS one COMMENT 'Of an analyst.'`)
  const names = ['predictions', 'evaluations', 'mine', 'a-b', 'a_b', 'last']
  const clash = {
    ...definition,
    name: 'two-columns',
    features: ['feature_origin', 'origin'].map((name) => ({ ...definition.features[0]!, name })),
  }
  const models = [
    ...names.map((name) => ({ ...definition, name })),
    { ...clash, entities: {}, outputs: { ...definition.outputs, origin: definition.outputs['probability']! } },
  ]
  expect(await createTypedViews(warehouse, projectOf(...models))).toEqual({
    names: ['a_b', 'last'],
    failed: {
      predictions: 'gold.predictions is taken',
      evaluations: 'gold.evaluations is taken',
      mine: 'gold.mine is taken',
      a_b: 'two models would share the view gold.a_b',
      'two-columns': 'two columns of the typed view would be named feature_origin',
    },
  })
})

test('the features of a model with thousands stand in their maps', async () => {
  const features = Array.from({ length: 4096 }, (_, index) => ({ ...definition.features[0]!, name: `f${index}` }))
  expect(await createTypedViews(warehouse, projectOf({ ...definition, features }))).toMatchObject({ failed: {} })
  const rows = await warehouse.query(
    `SELECT features_number['distance'] AS distance, probability FROM gold.flight_delay ORDER BY request_id`,
  )
  expect(rows[0]).toEqual({ distance: 100, probability: 0.25 })
})
