import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { errorBody, predictBatchResponse, predictResponse } from '../../contracts/http.ts'
import type { ModelDefinition } from '../../contracts/model-definition.ts'
import { predictionEventV1 } from '../../contracts/prediction-event.ts'
import { ServiceError } from '../../contracts/errors.ts'
import type { RunRequest } from '../inference/inference.ts'
import { WouldBeLate } from '../bounds/would-be-late.ts'
import { createTestGateway } from '../testing/test-gateway.ts'

const path = '/v1/models/parcel-delay/predict'
const good = { request_id: 'r-1', entities: { sender: 7, depot: 'BER' }, anchor: 'sent', features: { weight: 30 } }

/** A gateway whose version 1, the champion, and whatever else is named never answer. */
async function start(fallback: ModelDefinition['fallback'], silent = ['1']) {
  const gateway = await createTestGateway({ definition: { fallback, latency_budget_ms: 150 } })
  const { run } = gateway.engine.inference
  gateway.online.put('BER', '45')
  gateway.engine.inference.run = (request: RunRequest) =>
    silent.some((version) => request.sessionId.endsWith(`/${version}`)) ? new Promise(() => {}) : run(request)
  return gateway
}

async function eventsOf(gateway: Awaited<ReturnType<typeof start>>, route = 'champion') {
  await gateway.background.settled()
  return gateway.log
    .inLane('predictions')
    .filter(({ kind }) => kind === 'event')
    .map(({ body }) => predictionEventV1.parse(body))
    .filter((event) => event.route === route)
}

describe('past its deadline a model is stood in for', () => {
  it('by the constant of model.yaml, which is told and recorded as what it is', async () => {
    const gateway = await start({ outputs: { probability: 0.2 } })
    const response = await gateway.send(path, good)
    expect(response.status).toBe(200)
    const told = {
      model_version: '1',
      status: 'fallback',
      outputs: { probability: 0.2 },
      decision: { value: 'on_time', threshold: 0.5 },
      warnings: ['version 1 did not answer in time; the constant of model.yaml did'],
    }
    expect(predictResponse.parse(await response.json())).toMatchObject(told)
    const [event] = await eventsOf(gateway)
    expect(event).toMatchObject({ ...told, fallback: 'constant' })
    expect(event).not.toHaveProperty('error_code')
    expect(event!.features.map(({ value }) => value)).toEqual([30, 45])
  })

  it('by another version, on the features of the same read', async () => {
    const gateway = await start({ version: '2' })
    const answer = predictResponse.parse(await (await gateway.send(path, good)).json())
    const told = { model_version: '2', status: 'fallback', outputs: { probability: 0.75 }, route: 'champion' }
    expect(answer).toMatchObject({ ...told, warnings: ['version 1 did not answer in time; version 2 did'] })
    expect(await eventsOf(gateway)).toMatchObject([{ ...told, fallback: 'version' }])
    expect(gateway.online.reads).toHaveLength(1)
  })

  it('also when it is known beforehand that the answer would be late, which is 503 where nothing stands in', async () => {
    const late = async () => Promise.reject(new WouldBeLate('a run of the model does not end'))
    const gateway = await start({ outputs: { probability: 0.2 } })
    gateway.engine.inference.run = late
    expect(predictResponse.parse(await (await gateway.send(path, good)).json())).toMatchObject({ status: 'fallback' })
    expect(await eventsOf(gateway)).toMatchObject([{ status: 'fallback', fallback: 'constant' }])
    const other = await start(undefined)
    other.engine.inference.run = late
    expect((await other.send(path, good)).status).toBe(503)
    expect(await eventsOf(other)).toEqual([])
  })

  it('by nobody when the other version is silent too', async () => {
    const gateway = await start({ version: '2' }, ['1', '2'])
    const response = await gateway.send(path, good)
    expect(response.status).toBe(504)
    expect(await eventsOf(gateway)).toMatchObject([{ model_version: '1', status: 'error', error_code: 'deadline_exceeded' }])
  })

  it('by nobody when the version was pinned', async () => {
    const gateway = await start({ outputs: { probability: 0.2 } })
    expect((await gateway.send(path, { ...good, options: { version: '1' } })).status).toBe(504)
    expect(await eventsOf(gateway, 'pinned')).toMatchObject([{ status: 'error', error_code: 'deadline_exceeded' }])
  })

  it('but not for an instance with a fault of its own', async () => {
    const gateway = await start({ outputs: { probability: 0.2 } })
    gateway.online.put('OLD', 'not a number')
    const instances = ['BER', 'OLD'].map((depot) => ({ ...good, request_id: undefined, entities: { depot } }))
    const { predictions } = predictBatchResponse.parse(await (await gateway.send(path, { instances })).json())
    expect(predictions.map((one) => ('error' in one ? one.error.code : one.status))).toEqual(['fallback', 'anchor_too_old'])
  })
})

describe('the budget of a model', () => {
  it('is shortened by a request', async () => {
    const gateway = await createTestGateway({ definition: { latency_budget_ms: 24 * 3_600_000 } })
    gateway.engine.behave('hang')
    expect((await gateway.send(path, { ...good, options: { timeout_ms: 50 } })).status).toBe(504)
  })

  it('is not lengthened by a request', async () => {
    const gateway = await start(undefined)
    expect((await gateway.send(path, { ...good, options: { timeout_ms: 24 * 3_600_000 } })).status).toBe(504)
  })
})

describe('a full queue', () => {
  it('is 503 with a time to come back, and leaves no event', async () => {
    const gateway = await start({ outputs: { probability: 0.2 } })
    gateway.engine.inference.run = () => Promise.reject(new ServiceError('overloaded', '4096 rows wait already'))
    const response = await gateway.send(path, good)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(errorBody.parse(await response.json()).error.code).toBe('overloaded')
    expect(await eventsOf(gateway)).toEqual([])
  })
})

describe('an event loop with more to do than the budget allows for', () => {
  const busyFor = (ms: number) => ({ expectedWaitMs: () => ms, begin: () => () => {}, refuse: () => {} })

  it.each([
    [70, 200],
    [80, 503],
  ])('(%i ms ahead of a request with 150) answers %i', async (ms, status) => {
    const gateway = await createTestGateway({ definition: { latency_budget_ms: 150 }, loopLoad: busyFor(ms) })
    expect((await gateway.send(path, good)).status).toBe(status)
    await gateway.background.settled()
    expect(gateway.log.inLane('predictions').length > 0).toBe(status === 200)
  })
})

describe('a client that hangs up', () => {
  it('ends its work, which is recorded as that', async () => {
    const gateway = await start(undefined)
    const seen: RunRequest[] = []
    gateway.engine.inference.run = (request) => new Promise(() => void seen.push(request))
    const outgoing = new ServerResponse(new IncomingMessage(new Socket()))
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(good) }
    const response = gateway.app.request(path, init, { outgoing })
    await expect.poll(() => seen.length).toBe(1)
    outgoing.emit('close')
    expect((await response).status).toBe(499)
    expect(seen[0]!.cancellation?.reason).toMatchObject({ code: 'cancelled' })
    expect(await eventsOf(gateway)).toMatchObject([{ status: 'error', error_code: 'cancelled' }])
  })
})
