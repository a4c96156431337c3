import { describe, expect, it, vi } from 'vitest'
import { canonicalHash, isInOrder } from '../../contracts/canonical-json.ts'
import { errorBody, predictBatchResponse, predictResponse } from '../../contracts/http.ts'
import { predictionEventV1 } from '../../contracts/prediction-event.ts'
import { createTestGateway } from '../testing/test-gateway.ts'

const path = '/v1/models/parcel-delay/predict'
const good = { request_id: 'r-1', entities: { sender: 7, depot: 'BER' }, anchor: 'sent', features: { weight: 30 }, tags: ['web'] }

type Gateway = Awaited<ReturnType<typeof createTestGateway>>

async function start(options: Parameters<typeof createTestGateway>[0] = {}): Promise<Gateway> {
  const gateway = await createTestGateway(options)
  gateway.online.put('BER', '45')
  gateway.online.put('OLD', 'not a number')
  gateway.online.setApplied([{ writer_id: 'test', epoch: 1, seq: 12 }])
  gateway.engine.runs.length = 0
  return gateway
}

async function eventsOf(gateway: Gateway, route?: string) {
  await gateway.background.settled()
  const events = gateway.log.inLane('predictions').map(({ body }) => predictionEventV1.parse(body))
  return route === undefined ? events : events.filter((event) => event.route === route)
}

describe('a prediction', () => {
  it('is answered with its decision, and its event says what the model saw', async () => {
    const gateway = await start()
    const response = await gateway.send(path, { ...good, anchor_time: '2001-06-04T14:00:00+02:00', options: { return_features: true } })
    expect(response.status).toBe(200)
    const answer = predictResponse.parse(await response.json())
    expect(answer).toMatchObject({
      request_id: 'r-1',
      model: 'parcel-delay',
      model_version: '1',
      route: 'champion',
      anchor: 'sent',
      anchor_time: '2001-06-04T12:00:00.000Z',
      status: 'ok',
      outputs: { probability: 0.75 },
      decision: { value: 'late', threshold: 0.5 },
      warnings: [],
    })
    expect(answer.features?.map(({ name, value }) => [name, value])).toEqual([
      ['weight', 30],
      ['depot_load', 45],
    ])
    expect(answer.features?.map(({ window }) => window)).toEqual([
      undefined,
      { from: '2001-06-04T11:00:00.000Z', to: '2001-06-04T12:00:00.000Z', hop_seconds: 300 },
    ])
    const [event] = await eventsOf(gateway, 'champion')
    expect(event).toMatchObject({
      prediction_id: answer.prediction_id,
      request_id: 'r-1',
      index: 0,
      trigger: 'api',
      tags: ['web'],
      deployment_revision: 3,
      code_version: '0.0.0+test',
      route_probability: 1,
      entities: { sender: '7', depot: 'BER' },
      features: answer.features?.map(({ window: _, ...feature }) => feature),
      features_as_of: [{ writer_id: 'test', epoch: 1, seq: 12 }],
      outputs: answer.outputs,
      subject_id: '7',
      purposes: ['planning'],
    })
    expect(Object.keys(event!.duration_us).toSorted()).toEqual(['features', 'inference', 'queue', 'total'])
    const { total = 0, ...stages } = event!.duration_us
    expect(total).toBeGreaterThanOrEqual(Object.values(stages).reduce<number>((sum, us) => sum + Number(us), 0))
    expect(Date.parse(event!.retention_until) - Date.parse(event!.ingested_at)).toBe(30 * 24 * 3600 * 1000)
  })

  it('carries the hash of its own canonical form', async () => {
    const gateway = await start()
    await gateway.send(path, good)
    const { payload_hash: hash, ...rest } = gateway.log.inLane('predictions')[0]!.body
    expect(hash).toBe(canonicalHash(rest))
    expect(isInOrder(rest), 'or else encoding it takes three times as long').toBe(true)
  })

  it('is not answered before its event is durable', async () => {
    const gateway = await start()
    gateway.log.hold()
    let answered = false
    const response = Promise.resolve(gateway.send(path, good)).finally(() => (answered = true))
    await expect.poll(() => gateway.engine.runs.length).toBeGreaterThan(0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(answered).toBe(false)
    gateway.log.release()
    expect((await response).status).toBe(200)
  })

  it('is refused when its event cannot be made durable', async () => {
    const gateway = await start()
    gateway.log.break()
    const response = await gateway.send(path, good)
    expect(response.status).toBe(503)
    expect(errorBody.parse(await response.json()).error.code).toBe('outbox_unavailable')
    expect(await eventsOf(gateway)).toEqual([])
  })

  it('warns of features that the model had to do without', async () => {
    const gateway = await start()
    const response = await gateway.send(path, { ...good, entities: { depot: 'TXL' } })
    expect(predictResponse.parse(await response.json()).warnings).toEqual(['feature depot_load is missing: no_events'])
  })

  it('uses the pinned version, and the shadow does not run twice', async () => {
    const gateway = await start()
    const response = await gateway.send(path, { ...good, options: { version: '2' } })
    expect(predictResponse.parse(await response.json())).toMatchObject({ model_version: '2', route: 'pinned' })
    expect((await eventsOf(gateway)).map(({ route }) => route)).toEqual(['pinned'])
  })
})

describe('shadows', () => {
  it('share the decision of the answer, and one read of the store', async () => {
    const gateway = await start()
    await gateway.send(path, good)
    const [champion] = await eventsOf(gateway, 'champion')
    const [shadow] = await eventsOf(gateway, 'shadow')
    expect(shadow).toMatchObject({
      model_version: '2',
      decision_id: champion!.decision_id,
      request_id: 'r-1',
      features: champion!.features,
    })
    expect(shadow!.prediction_id).not.toBe(champion!.prediction_id)
    expect(gateway.online.reads).toHaveLength(1)
  })

  it('never delay the answer', async () => {
    const gateway = await start()
    const run = gateway.engine.inference.run
    gateway.engine.inference.run = (request) => (request.sessionId.endsWith('/2') ? new Promise(() => {}) : run(request))
    expect((await gateway.send(path, good)).status).toBe(200)
    const [shadow] = await eventsOf(gateway, 'shadow')
    expect(shadow).toMatchObject({ status: 'error', error_code: 'deadline_exceeded' })
  })

  it('are bounded, and one too many is recorded as such', async () => {
    const gateway = await start()
    const run = gateway.engine.inference.run
    gateway.engine.inference.run = (request) => (request.sessionId.endsWith('/2') ? new Promise(() => {}) : run(request))
    await Promise.all(Array.from({ length: 10 }, () => gateway.send(path, good)))
    const codes = (await eventsOf(gateway, 'shadow')).map((event) => event.error_code)
    expect(codes.filter((code) => code === 'overloaded')).toHaveLength(2)
    expect(codes.filter((code) => code === 'deadline_exceeded')).toHaveLength(8)
  })
})

describe('what goes wrong after routing is an event too', () => {
  it.each([
    ['fail', 500, 'inference_failed'],
    ['nan', 500, 'inference_failed'],
    ['hang', 504, 'deadline_exceeded'],
  ] as const)('when the model does %s', async (behaviour, status, code) => {
    const gateway = await start()
    gateway.engine.behave(behaviour)
    const response = await gateway.send(path, { ...good, options: { timeout_ms: 50 } })
    expect(response.status).toBe(status)
    expect(errorBody.parse(await response.json()).error).toMatchObject({ code, request_id: 'r-1' })
    const [event] = await eventsOf(gateway, 'champion')
    expect(event).toMatchObject({ status: 'error', error_code: code, outputs: {} })
    expect(event).not.toHaveProperty('decision')
    expect(event!.features).toHaveLength(2)
  })

  it('when the store no longer covers the anchor', async () => {
    const gateway = await start()
    const response = await gateway.send(path, { ...good, entities: { depot: 'OLD' } })
    expect(response.status).toBe(422)
    expect(await eventsOf(gateway, 'champion')).toMatchObject([{ status: 'error', error_code: 'anchor_too_old' }])
  })

  it('when the event is not durable in time, it is recorded all the same', async () => {
    const gateway = await start()
    gateway.log.hold()
    const response = await gateway.send(path, { ...good, options: { timeout_ms: 60 } })
    expect(response.status).toBe(504)
    gateway.log.release()
    expect(await eventsOf(gateway, 'champion')).toMatchObject([{ status: 'ok', request_id: 'r-1' }])
  })
})

describe('without the online store', () => {
  it.each(['break', 'hang'] as const)('(%s) the model answers with what it has, and both versions and the caller are told', async (how) => {
    // Time stands still until the read of the store is given up; past the whole of it the answer would be 504.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
    const gateway = await start()
    gateway.online[how]()
    const sending = Promise.resolve(gateway.send(path, { ...good, options: { timeout_ms: 600 } }))
    if (how === 'hang') {
      while (gateway.online.reads.length === 0) await new Promise(setImmediate)
      await vi.advanceTimersByTimeAsync(310)
    }
    const response = await sending.finally(() => vi.useRealTimers())
    expect(response.status).toBe(200)
    const answer = predictResponse.parse(await response.json())
    const warnings = [
      'online_store_unavailable: the answer does without online features',
      'feature depot_load is missing: store_unavailable',
    ]
    expect(answer).toMatchObject({ status: 'ok', outputs: { probability: 0.3 }, warnings })
    const events = await eventsOf(gateway)
    expect(events.map(({ route }) => route).toSorted()).toEqual(['champion', 'shadow'])
    for (const event of events) {
      expect(event).toMatchObject({ features_as_of: [], warnings })
      expect(event.features.at(-1)).toMatchObject({ name: 'depot_load', status: 'missing', reason: 'store_unavailable' })
      expect(event).not.toHaveProperty('features_read_at')
    }
  })

  it('a model that rejects then is answered 503, and leaves no event: nothing was seen', async () => {
    const gateway = await start({ onUnavailable: 'reject' })
    gateway.online.break()
    for (const body of [good, { instances: [1, 2].map((weight) => ({ entities: good.entities, anchor: 'sent', features: { weight } })) }]) {
      const response = await gateway.send(path, body)
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('1')
      expect(errorBody.parse(await response.json()).error.code).toBe('online_store_unavailable')
    }
    expect(await eventsOf(gateway)).toEqual([])
  })

  it('an instance that needs nothing from it is answered beside one that does', async () => {
    const gateway = await start({ onUnavailable: 'reject' })
    gateway.online.break()
    const instances = [{ entities: {} }, { entities: good.entities }].map((one) => ({ ...one, anchor: 'sent', features: { weight: 10 } }))
    const { predictions } = predictBatchResponse.parse(await (await gateway.send(path, { instances })).json())
    expect(predictions.map((one) => ('error' in one ? one.error.code : one.status))).toEqual(['ok', 'online_store_unavailable'])
  })

  it('a fault that is not its absence stays one', async () => {
    const gateway = await start()
    gateway.online.store.read = () => Promise.reject(new TypeError('a mistake of ours'))
    expect((await gateway.send(path, good)).status).toBe(500)
  })
})

describe('a batch', () => {
  const instance = { entities: { depot: 'BER' }, anchor: 'sent', features: { weight: 1 } }
  const weighing = (weight: number) => ({ ...instance, features: { weight } })

  it('is answered in order from one run', async () => {
    const gateway = await start()
    const instances = [weighing(10), weighing(20), weighing(5)]
    const response = await gateway.send(path, { request_id: 'b-1', instances, options: { version: '3' } })
    const { predictions } = predictBatchResponse.parse(await response.json())
    expect(predictions.map((one) => ('outputs' in one ? one.outputs['probability'] : one))).toEqual([0.55, 0.65, 0.5])
    expect(gateway.engine.runs.filter(({ sessionId }) => sessionId.endsWith('/3'))).toHaveLength(1)
    const events = await eventsOf(gateway, 'pinned')
    expect(events.map(({ index, request_id }) => [index, request_id])).toEqual([0, 1, 2].map((index) => [index, 'b-1']))
    expect(new Set(events.map((event) => event.decision_id)).size).toBe(3)
  })

  it('answers the others when one instance fails, and records it', async () => {
    const gateway = await start()
    const instances = [weighing(10), { ...instance, entities: { depot: 'OLD' } }, weighing(20)]
    const response = await gateway.send(path, { instances })
    expect(response.status).toBe(200)
    const { predictions } = predictBatchResponse.parse(await response.json())
    expect(predictions.map((one) => ('error' in one ? one.error.code : one.outputs['probability']))).toEqual([0.55, 'anchor_too_old', 0.65])
    expect((await eventsOf(gateway, 'champion')).map(({ status }) => status)).toEqual(['ok', 'error', 'ok'])
  })

  it('fails as one when a single cause spared no instance', async () => {
    const gateway = await start()
    gateway.engine.behave('fail')
    const response = await gateway.send(path, { instances: [weighing(1), weighing(2)] })
    expect(response.status).toBe(500)
    expect(await eventsOf(gateway, 'champion')).toHaveLength(2)
  })
})
