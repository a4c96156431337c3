import { v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorBody } from '../../contracts/http.ts'
import { predictionEventV1 } from '../../contracts/prediction-event.ts'
import { migrate } from '../../platform/schema/migrate.ts'
import { startTestWarehouse, type TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { createTestGateway } from '../testing/test-gateway.ts'

let server: TestWarehouse
beforeAll(async () => {
  server = await startTestWarehouse()
})
afterAll(() => server.stop())

const receivedAtMs = Date.UTC(2030, 5, 4, 12)
const day = 24 * 3600 * 1000
const hash = (digit: string) => digit.repeat(64)

function rowOf(id: string, change: Record<string, unknown> = {}) {
  return {
    prediction_id: id,
    decision_id: v7(),
    tenant: 'default',
    payload_hash: hash('a'),
    request_id: 'r-1',
    index: 1,
    trigger: 'api',
    tags: ['web'],
    model: 'flight-delay',
    model_version: '2',
    model_sha256: hash('b'),
    manifest_sha256: hash('c'),
    model_definition_sha256: hash('d'),
    feature_set_sha256: hash('e'),
    deployment_revision: 3,
    code_version: '0.1.0',
    route: 'champion',
    route_probability: 1,
    execution_provider: 'cpu',
    entities: { origin: 'SFO' },
    anchor: 'departure',
    anchor_time: '2001-06-04 12:00:00.000',
    features_number: { distance: 337, mean_delay: 4.5 },
    features_text: { carrier: 'UA' },
    feature_source: { distance: 'request', mean_delay: 'online', carrier: 'request', gone: 'online' },
    feature_status: { distance: 'ok', mean_delay: 'stale', carrier: 'ok', gone: 'missing' },
    feature_reason: { mean_delay: 'older_than_max_age', gone: 'no_events' },
    feature_event_time: { mean_delay: '2001-06-04 11:00:00.000' },
    feature_age_ms: { mean_delay: 3_600_000 },
    feature_definition: { distance: hash('1'), mean_delay: hash('2'), carrier: hash('3'), gone: hash('4') },
    features_as_of: [{ writer_id: 'gateway-0', epoch: 2, seq: '77' }],
    status: 'ok',
    outputs_number: { probability_late: 0.25 },
    outputs_text: {},
    decision_value: 'on_time',
    decision_threshold: 0.4,
    warnings: [],
    ingested_at: '2030-06-04 12:00:00.123',
    predicted_at: '2030-06-04 12:00:00.130',
    duration_inference_us: 40,
    purposes: ['operations'],
    retention_until: '2032-06-04 12:00:00.000',
    writer_id: 'gateway-0',
    epoch: 2,
    lane: 'predictions',
    seq: 5,
    appended_at: '2030-06-04 12:00:00.131',
    ...change,
  }
}

const newId = () => v7({ msecs: receivedAtMs })

async function lookUp(id: string, nowMs = receivedAtMs) {
  const { app } = await createTestGateway({ warehouse: server.warehouse, now: () => nowMs })
  const response = await app.request(`/v1/predictions/${id}`)
  return { status: response.status, body: (await response.json()) as unknown }
}

describe('a prediction in the warehouse', () => {
  it('is not there before the warehouse has its tables, and that will pass', async () => {
    const { status, body } = await lookUp(newId())
    expect(status).toBe(503)
    expect(errorBody.parse(body).error.code).toBe('not_ready')
    await migrate(server.warehouse)
  })

  it('is found as the event that was written', async () => {
    const id = newId()
    await server.warehouse.insert('bronze.prediction_events', [rowOf(id), rowOf(newId())])
    const { status, body } = await lookUp(id)
    expect(status).toBe(200)
    expect(predictionEventV1.parse(body)).toMatchObject({
      prediction_id: id,
      index: 1,
      anchor_time: '2001-06-04T12:00:00.000Z',
      ingested_at: '2030-06-04T12:00:00.123Z',
      entities: { origin: 'SFO' },
      features_as_of: [{ writer_id: 'gateway-0', epoch: 2, seq: 77 }],
      outputs: { probability_late: 0.25 },
      decision: { value: 'on_time', threshold: 0.4 },
      duration_us: { inference: 40 },
    })
    expect(predictionEventV1.parse(body).features.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'carrier', value: 'UA', source: 'request', status: 'ok', definition: hash('3') },
      { name: 'distance', value: 337, source: 'request', status: 'ok', definition: hash('1') },
      { name: 'gone', source: 'online', status: 'missing', reason: 'no_events', definition: hash('4') },
      {
        name: 'mean_delay',
        value: 4.5,
        source: 'online',
        status: 'stale',
        reason: 'older_than_max_age',
        event_time: '2001-06-04T11:00:00.000Z',
        age_ms: 3_600_000,
        definition: hash('2'),
      },
    ])
    expect(body).not.toHaveProperty('error_code')
  })

  it('has the tensors that it was sent as', async () => {
    const id = newId()
    const inputs = [{ name: 'features', datatype: 'INT64', shape: [1, 1], data: ['9007199254740993'] }]
    const tensors = { inputs: JSON.stringify(inputs), output_tensors: JSON.stringify([]) }
    await server.warehouse.insert('bronze.prediction_events', [rowOf(id, tensors)])
    expect(predictionEventV1.parse((await lookUp(id)).body)).toMatchObject({ inputs, output_tensors: [] })
  })

  it('is the first of several under its id', async () => {
    const id = newId()
    const later = { ingested_at: '2030-06-04 12:00:01.000', payload_hash: hash('f'), request_id: 'second', seq: 4 }
    await server.warehouse.insert('bronze.prediction_events', [rowOf(id, later), rowOf(id)])
    expect((await lookUp(id)).body).toMatchObject({ request_id: 'r-1' })
  })

  const fated = async (change: Record<string, unknown>, fates: object[] = [], settled = 0) => {
    const id = newId()
    await server.warehouse.insert('bronze.prediction_events', [rowOf(id, { writer_id: id, ...change })])
    const stamp = {
      tenant: 'default',
      retention_until: '2032-06-04 12:00:00.000',
      writer_id: 'other',
      epoch: 1,
      lane: 'predictions',
      seq: 1,
    }
    await server.warehouse.insert(
      'bronze.prediction_fates',
      fates.map((fate) => ({ ...stamp, prediction_id: id, fate_id: newId(), payload_hash: hash('b'), ...fate })),
    )
    await server.warehouse.insert('bronze.settled', [{ writer_id: id, epoch: 2, lane: 'predictions', settled_through: settled }])
    const { fate, unanswered_reason: reason } = (await lookUp(id)).body as { fate?: string; unanswered_reason?: string }
    return [fate, reason]
  }

  it('says what its caller was told', async () => {
    const late = { fate: 'unanswered', reason: 'deadline' }
    expect(await fated({})).toEqual(['unknown', undefined])
    expect(await fated({}, [], 4)).toEqual(['unknown', undefined])
    expect(await fated({}, [], 5)).toEqual(['answered', undefined])
    expect(await fated({ epoch: 1 }, [], 5)).toEqual(['unknown', undefined])
    expect(await fated({}, [late], 9)).toEqual(['unanswered', 'deadline'])
    expect(await fated({}, [late, { fate: 'delivered', reason: null }], 9)).toEqual(['answered', undefined])
    expect(await fated({ route: 'shadow' }, [], 9)).toEqual([undefined, undefined])
  })

  it('is gone past its retention', async () => {
    const id = newId()
    await server.warehouse.insert('bronze.prediction_events', [rowOf(id)])
    const { status, body } = await lookUp(id, receivedAtMs + 731 * day)
    expect([status, errorBody.parse(body).error.code]).toEqual([410, 'gone'])
  })

  it.each([
    ['a young id', newId(), 0, 'not_yet_visible'],
    ['an old id', newId(), 11 * 60 * 1000, 'not_found'],
    ['an id of another kind', '7b0d4c6e-9d7e-4a52-8b39-6a3f6a0c1d11', 0, 'not_found'],
    ['text that is no id', 'flight-42', 0, 'not_found'],
  ])('is missing: %s', async (_, id, laterMs, code) => {
    const { status, body } = await lookUp(id, receivedAtMs + laterMs)
    expect([status, errorBody.parse(body).error.code]).toEqual([404, code])
  })
})
