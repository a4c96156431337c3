import { describe, expect, it } from 'vitest'
import { errorBody, predictResponse } from '../../contracts/http.ts'
import { predictionEventV1 } from '../../contracts/prediction-event.ts'
import { createTestAccess, createTestKey } from '../testing/test-access.ts'
import { createTestGateway } from '../testing/test-gateway.ts'

const predictPath = '/v1/models/parcel-delay/predict'
const parcel = { entities: { depot: 'BER' }, anchor: 'sent', features: { weight: 30 }, options: { timeout_ms: 2000 } }
const batch = {
  instances: [
    { ...parcel, options: undefined },
    { anchor: 'sent', features: { weight: 31 } },
  ],
}

type Gateway = Awaited<ReturnType<typeof createTestGateway>>
const sendTo = (gateway: Gateway, key: string, body: unknown = parcel, headers: Record<string, string> = {}) =>
  gateway.send(predictPath, body, { 'idempotency-key': key, ...headers })
const codeOf = async (response: Response) => errorBody.parse(await response.json()).error.code
const served = ({ log }: Gateway) => log.inLane('predictions').filter(({ body }) => body['route'] === 'champion')
const entryOf = ({ keys }: Gateway, key = 'k') => keys.entries.get(`default/parcel-delay/${key}`)

describe('a request with an Idempotency-Key', () => {
  it.each([
    ['one instance', parcel],
    ['several', batch],
  ])('with %s is answered the same bytes again, and recorded once, with its key', async (_, body) => {
    const gateway = await createTestGateway()
    const first = await sendTo(gateway, 'k', body)
    const text = await first.text()
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([200, null])
    const again = await sendTo(gateway, 'k', body, { 'x-request-id': 'another' })
    expect([again.status, again.headers.get('idempotency-replayed'), await again.text()]).toEqual([200, 'true', text])
    expect(again.headers.get('content-type')).toContain('application/json')
    const events = served(gateway).map(({ body: event }) => predictionEventV1.parse(event))
    expect(events.map((event) => event.idempotency_key)).toEqual(body === parcel ? ['k'] : ['k', 'k'])
    for (const event of events) expect(text).toContain(event.prediction_id)
  })

  it('is another request when it has another order of fields, and is not when it has another value', async () => {
    const gateway = await createTestGateway()
    const { prediction_id: id } = predictResponse.parse(await (await sendTo(gateway, 'k')).json())
    const reordered = Object.fromEntries(Object.entries(parcel).toReversed())
    expect(await (await sendTo(gateway, 'k', reordered)).json()).toMatchObject({ prediction_id: id })
    const other = await sendTo(gateway, 'k', { ...parcel, features: { weight: 31 } })
    expect([other.status, await codeOf(other)]).toEqual([422, 'idempotency_mismatch'])
  })

  it('is 409 while another with the key is under way, and then has its answer', async () => {
    const gateway = await createTestGateway({ definition: { latency_budget_ms: 60_000 } })
    gateway.log.hold()
    const first = sendTo(gateway, 'k')
    await expect.poll(() => entryOf(gateway)?.state).toBe('prepared')
    const second = await sendTo(gateway, 'k')
    expect([second.status, second.headers.get('retry-after'), await codeOf(second)]).toEqual([409, '1', 'idempotency_conflict'])
    gateway.log.release()
    expect(await (await sendTo(gateway, 'k')).text()).toBe(await (await first).text())
    expect(served(gateway)).toHaveLength(1)
  })

  it('is kept apart by tenant', async () => {
    const keys = [createTestKey(), createTestKey({ key_id: 'mnkjhgfedcba', tenant: 'acme', name: 'acme' })]
    const gateway = await createTestGateway({ access: createTestAccess({ keys: keys.map(({ key }) => key) }) })
    const answers = await Promise.all(keys.map(({ authorization }) => sendTo(gateway, 'k', parcel, { authorization })))
    const ids = await Promise.all(answers.map(async (answer) => predictResponse.parse(await answer.json()).prediction_id))
    expect(new Set(ids).size).toBe(2)
  })

  it.each([
    ['empty', ''],
    ['with a space', 'a b'],
    ['of 256 characters', 'x'.repeat(256)],
    ['beyond ASCII', 'schl\u00fcssel'],
  ])('whose key is %s is refused', async (_, key) => {
    const gateway = await createTestGateway()
    const response = await sendTo(gateway, key)
    expect([response.status, errorBody.parse(await response.json()).error.path]).toEqual([400, 'Idempotency-Key'])
    expect(gateway.log.appended).toEqual([])
  })
})

describe('an error frees the key', () => {
  it('when the request is refused: then a better one may use it', async () => {
    const gateway = await createTestGateway()
    expect((await sendTo(gateway, 'k', { ...parcel, features: {} })).status).toBe(400)
    expect(gateway.keys.entries.size).toBe(0)
    expect((await sendTo(gateway, 'k')).status).toBe(200)
  })

  it('when the outbox cannot be written', async () => {
    const gateway = await createTestGateway()
    gateway.log.break()
    expect(await codeOf(await sendTo(gateway, 'k'))).toBe('outbox_unavailable')
    expect(gateway.keys.entries.size).toBe(0)
  })

  it('when the model fails: what was recorded says so, and a retry is computed anew', async () => {
    const gateway = await createTestGateway()
    gateway.engine.behave('fail')
    expect((await sendTo(gateway, 'k')).status).toBe(500)
    gateway.engine.behave('answer')
    expect((await sendTo(gateway, 'k')).status).toBe(200)
    expect(served(gateway).map(({ body }) => [body['status'], body['idempotency_key']])).toEqual([
      ['error', 'k'],
      ['ok', 'k'],
    ])
  })
})

describe('a deadline that passes while the events are under way', () => {
  it('costs the answer, and the retry gets what was recorded', async () => {
    const gateway = await createTestGateway()
    gateway.log.hold()
    const late = await sendTo(gateway, 'k', { ...parcel, options: { timeout_ms: 60 } })
    expect(late.status).toBe(504)
    gateway.log.release()
    await gateway.background.settled()
    const retried = await sendTo(gateway, 'k', { ...parcel, options: { timeout_ms: 60 } })
    expect(retried.headers.get('idempotency-replayed')).toBe('true')
    const events = served(gateway)
    expect(events).toHaveLength(1)
    expect(await retried.json()).toMatchObject({ prediction_id: events[0]!.id })
  })
})

describe('a store that does not answer', () => {
  it('at the claim: 503 and nothing is computed; requests without a key go on', async () => {
    const gateway = await createTestGateway()
    gateway.keys.fail('claim')
    const refused = await sendTo(gateway, 'k')
    expect([refused.status, refused.headers.get('retry-after'), await codeOf(refused)]).toEqual([503, '1', 'idempotency_unavailable'])
    expect(gateway.log.appended).toEqual([])
    expect((await gateway.send(predictPath, parcel)).status).toBe(200)
  })

  it('before the events are written: 503, and none is', async () => {
    const gateway = await createTestGateway()
    gateway.keys.fail('prepare')
    expect(await codeOf(await sendTo(gateway, 'k'))).toBe('idempotency_unavailable')
    expect(gateway.log.appended).toEqual([])
  })

  it('once they are: 503, and the retry gets what was recorded when the store is back', async () => {
    const gateway = await createTestGateway()
    gateway.keys.fail('complete')
    expect(await codeOf(await sendTo(gateway, 'k'))).toBe('idempotency_unavailable')
    expect(await codeOf(await sendTo(gateway, 'k'))).toBe('idempotency_conflict')
    gateway.keys.heal()
    await gateway.background.settled()
    const events = served(gateway)
    expect(events).toHaveLength(1)
    expect(await (await sendTo(gateway, 'k')).json()).toMatchObject({ prediction_id: events[0]!.id })
  })

  it('in time: 503 by the deadline', async () => {
    const gateway = await createTestGateway()
    const release = gateway.keys.holdNext('claim')
    const response = await sendTo(gateway, 'k', { ...parcel, options: { timeout_ms: 50 } })
    expect([response.status, await codeOf(response)]).toEqual([503, 'idempotency_unavailable'])
    release()
    await gateway.background.settled()
    expect(gateway.keys.entries.size).toBe(0)
  })
})

describe('requests with keys that come in one turn', () => {
  const patient = { definition: { latency_budget_ms: 60_000 }, deployment: { shadows: [] } }
  const own = { ...parcel, options: undefined }
  const keys = Array.from({ length: 50 }, (_, index) => `k-${index}`)
  const statusesOf = (responses: readonly Response[]) => responses.map(({ status }) => status)

  it('ask the store once for each step, and are written together', async () => {
    // On a clock that stands still a turn's work is never cut off.
    const tick = performance.now()
    const gateway = await createTestGateway({ ...patient, tick: () => tick })
    const responses = await Promise.all(keys.map((key) => sendTo(gateway, key, own)))
    expect(new Set(statusesOf(responses))).toEqual(new Set([200]))
    const ids = await Promise.all(responses.map(async (response) => predictResponse.parse(await response.json()).prediction_id))
    await gateway.background.settled()
    expect(gateway.keys.calls).toEqual(['claim', 'prepare', 'complete'].map((call) => ({ call, keys })))
    expect(gateway.log.appends().map((records) => records.length)).toEqual([50])
    expect(served(gateway).map(({ id, body }) => [id, body['idempotency_key']])).toEqual(ids.map((id, index) => [id, keys[index]]))
    const again = await Promise.all(keys.map((key) => sendTo(gateway, key, own)))
    expect(await Promise.all(again.map(async (response) => predictResponse.parse(await response.json()).prediction_id))).toEqual(ids)
    expect(served(gateway)).toHaveLength(50)
  })

  it('with the same key are one prediction: the others are 409, or 422 with another body, and then have its answer', async () => {
    const gateway = await createTestGateway(patient)
    const other = { ...own, features: { weight: 31 } }
    const responses = await Promise.all([own, own, other, own].map((body) => sendTo(gateway, 'k', body)))
    expect(statusesOf(responses)).toEqual([200, 409, 422, 409])
    const text = await responses[0]!.text()
    const again = await Promise.all([own, own, other, own].map((body) => sendTo(gateway, 'k', body)))
    expect(statusesOf(again)).toEqual([200, 200, 422, 200])
    expect(await again[3]!.text()).toBe(text)
    expect(served(gateway)).toHaveLength(1)
  })

  it.each(['claim', 'prepare', 'complete'] as const)('are answered but for the one whose %s the store fails', async (call) => {
    const gateway = await createTestGateway(patient)
    gateway.keys.failFor(call, 'k-7')
    const responses = await Promise.all(keys.map((key) => sendTo(gateway, key, own)))
    expect(statusesOf(responses)).toEqual(keys.map((key) => (key === 'k-7' ? 503 : 200)))
    expect(served(gateway)).toHaveLength(call === 'complete' ? 50 : 49)
    gateway.keys.heal()
    await gateway.background.settled()
    const retried = await sendTo(gateway, 'k-7', own)
    expect([retried.status, retried.headers.get('idempotency-replayed')]).toEqual([200, call === 'complete' ? 'true' : null])
    expect(served(gateway)).toHaveLength(50)
  })

  it('are answered but for the one that fails by itself, whose key is free', async () => {
    const gateway = await createTestGateway(patient)
    const bodies = keys.map((key) => (key === 'k-7' ? { ...own, features: {} } : own))
    const responses = await Promise.all(keys.map((key, index) => sendTo(gateway, key, bodies[index])))
    expect(statusesOf(responses)).toEqual(keys.map((key) => (key === 'k-7' ? 400 : 200)))
    expect((await sendTo(gateway, 'k-7', own)).status).toBe(200)
  })

  it('each leave at their own deadline while the store does not answer, and give back what it takes for them then', async () => {
    const gateway = await createTestGateway(patient)
    const release = gateway.keys.holdNext('claim')
    const long = Promise.all(keys.slice(25).map((key) => sendTo(gateway, key, { ...own, options: { timeout_ms: 30_000 } })))
    const short = await Promise.all(keys.slice(0, 25).map((key) => sendTo(gateway, key, { ...own, options: { timeout_ms: 50 } })))
    expect(new Set(statusesOf(short))).toEqual(new Set([503]))
    release()
    expect(new Set(statusesOf(await long))).toEqual(new Set([200]))
    await gateway.background.settled()
    expect([...gateway.keys.entries.keys()].map((key) => key.split('/').at(-1))).toEqual(keys.slice(25))
  })

  it('of both protocols under one key are two requests, of which one has it', async () => {
    const gateway = await createTestGateway(patient)
    const tensors = { parameters: { anchor: 'sent' }, inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [30, 5] }] }
    const infer = () => gateway.send('/v2/models/parcel-delay/infer', tensors, { 'idempotency-key': 'k' })
    expect(statusesOf([await sendTo(gateway, 'k', own), await infer()])).toEqual([200, 422])
    expect(served(gateway)).toHaveLength(1)
  })
})

describe('a key whose holder is gone', () => {
  const gone = { attempt: 'gone', writerId: 'other', epoch: 4, expiresAtMs: Infinity }

  async function withEntry(change: object) {
    const gateway = await createTestGateway()
    await sendTo(gateway, 'k')
    const first = entryOf(gateway)!
    const held = { ...first, ...gone, predictionId: 'p', heldUntilMs: Date.now() + 60_000, ...change }
    gateway.keys.entries.set('default/parcel-delay/k', held)
    return gateway
  }

  it('waits for its writer while the hold lasts', async () => {
    for (const state of ['claimed', 'prepared']) expect((await sendTo(await withEntry({ state }), 'k')).status).toBe(409)
  })

  it('is computed anew once its writer is back and had not committed it, or once the hold is over', async () => {
    const back = await withEntry({ state: 'prepared' })
    await back.keys.store.markRecovered('other', 5)
    const over = await withEntry({ state: 'prepared', heldUntilMs: Date.now() - 1 })
    const claimed = await withEntry({ state: 'claimed', heldUntilMs: Date.now() - 1 })
    for (const gateway of [back, over, claimed]) {
      const response = await sendTo(gateway, 'k')
      expect([response.status, response.headers.get('idempotency-replayed')]).toEqual([200, null])
      expect(served(gateway)).toHaveLength(2)
    }
  })

  it('has its prepared answer when the warehouse has the prediction', async () => {
    const gateway = await withEntry({ state: 'prepared', heldUntilMs: Date.now() - 1 })
    gateway.stored.add('p')
    const response = await sendTo(gateway, 'k')
    expect([response.status, response.headers.get('idempotency-replayed')]).toEqual([200, 'true'])
    expect(served(gateway)).toHaveLength(1)
  })

  it('that turns up again after another has taken over commits nothing', async () => {
    const gateway = await createTestGateway()
    const release = gateway.keys.holdNext('prepare')
    const first = sendTo(gateway, 'k')
    await expect.poll(() => entryOf(gateway)?.state).toBe('claimed')
    entryOf(gateway)!.heldUntilMs = 0
    expect((await sendTo(gateway, 'k')).status).toBe(200)
    release()
    expect(await codeOf(await first)).toBe('idempotency_conflict')
    expect(served(gateway)).toHaveLength(1)
  })
})
