import { describe, expect, it, test } from 'vitest'
import { predictionEventV1, type PredictionEvent } from '../../contracts/prediction-event.ts'
import { createTestGateway } from '../testing/test-gateway.ts'
import { path as v2Path, good as infer, withBinary } from '../testing/v2-requests.ts'
import { createAskedIds } from './question.ts'
import { requestIdReused } from './event.ts'

const path = '/v1/models/parcel-delay/predict'
const good = { request_id: 'r-1', entities: { sender: 7, depot: 'BER' }, anchor: 'sent', features: { weight: 30 } }

type Sent = { path?: string; body: object | Uint8Array; headers?: Record<string, string> }

/** The events of requests that are sent one after the other, shadows among them. */
async function ask(...requests: Sent[]): Promise<PredictionEvent[]> {
  // A busy machine is no slow model.
  const gateway = await createTestGateway({ definition: { latency_budget_ms: 15_000 } })
  gateway.online.put('BER', '45')
  for (const { path: to = path, body, headers } of requests) {
    const response = await gateway.send(to, body, headers)
    expect(response.status, await response.text()).toBe(200)
    await gateway.background.settled()
  }
  return gateway.log.inLane('predictions').flatMap(({ kind, body }) => (kind === 'event' ? [predictionEventV1.parse(body)] : []))
}

const served = (events: readonly PredictionEvent[]) => events.filter(({ route }) => route !== 'shadow')

async function questionsOf(...bodies: object[]): Promise<(string | undefined)[]> {
  return served(await ask(...bodies.map((body) => ({ body })))).map(({ question_sha256: question }) => question)
}

describe('two requests ask the same', () => {
  const timed = { ...good, anchor_time: '2001-06-04T12:00:00.000Z' }
  test.each<[string, object, object]>([
    ['when they are equal', good, good],
    ['at another time of receipt', good, { ...good }],
    ['with other tags', good, { ...good, tags: ['again'] }],
    ['with another deadline, and its features wanted', good, { ...good, options: { timeout_ms: 14_000, return_features: true } }],
    ['of a pinned version', good, { ...good, options: { version: '2' } }],
    ['with an id written as a number', good, { ...good, entities: { depot: 'BER', sender: '7' } }],
    ['at the same anchor time in another zone', timed, { ...timed, anchor_time: '2001-06-04T14:00:00+02:00' }],
    ['with a number written otherwise', { ...good, features: { weight: 3e1 } }, { ...good, features: { weight: 30.0 } }],
    ['alone and as the only one of a batch', good, { request_id: 'r-1', instances: [{ ...good, request_id: undefined }] }],
  ])('%s', async (_, one, other) => {
    const [first, second] = await questionsOf(one, other)
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(second).toBe(first)
  })
})

describe('two requests ask different questions', () => {
  test.each<[string, object]>([
    ['under another id', { ...good, request_id: 'r-2' }],
    ['about another entity', { ...good, entities: { sender: 8, depot: 'BER' } }],
    ['about fewer entities', { ...good, entities: { depot: 'BER' } }],
    ['with another feature', { ...good, features: { weight: 31 } }],
    ['at an anchor time, where the other left it open', { ...good, anchor_time: '2001-06-04T12:00:00Z' }],
  ])('%s', async (_, other) => {
    const [first, second] = await questionsOf(good, other)
    expect(second).toMatch(/^[0-9a-f]{64}$/)
    expect(second).not.toBe(first)
  })

  it('as instances of one request', async () => {
    const instance = { entities: good.entities, anchor: good.anchor, features: good.features }
    const questions = await questionsOf({ request_id: 'r-1', instances: [instance, instance] })
    expect(new Set(questions).size).toBe(2)
  })

  it('as callers of the inference protocol that send one id with other tensors', async () => {
    const row = (...data: number[]) => ({ ...infer, inputs: [{ ...infer.inputs[0]!, data }] })
    const bodies = [row(30, 45), row(30, 46), row(30, 45)].map((body) => ({ path: v2Path, body }))
    const [first, second, third] = served(await ask(...bodies)).map(({ question_sha256: question }) => question)
    expect(second).not.toBe(first)
    expect(third).toBe(first)
  })
})

it('is the same of tensors in JSON and in binary form', async () => {
  const x = { ...infer.inputs[0]!, data: undefined, parameters: { binary_data_size: 8 } }
  const binary = withBinary({ ...infer, inputs: [x] }, Float32Array.of(30, 45))
  const events = served(await ask({ path: v2Path, body: infer }, { path: v2Path, ...binary }))
  expect(events[1]?.question_sha256).toBe(events[0]?.question_sha256)
})

it('repeats nothing without an id of the caller, and takes the header for one', async () => {
  const { request_id: _, ...unnamed } = good
  const headers = { 'x-request-id': 'r-9' }
  const [first, second, third] = served(await ask({ body: unnamed }, { body: unnamed, headers }, { body: unnamed, headers }))
  expect(first?.question_sha256).toBeUndefined()
  expect(second?.question_sha256).toMatch(/^[0-9a-f]{64}$/)
  expect(third?.question_sha256).toBe(second?.question_sha256)
})

it('is shared by the shadows', async () => {
  const events = await ask({ body: good })
  expect(events.map(({ route }) => route)).toEqual(['champion', 'shadow'])
  expect(events[1]?.question_sha256).toBe(events[0]?.question_sha256)
})

describe('an id that was sent for something else', () => {
  const other = { ...good, features: { weight: 31 } }
  const warned = (events: readonly PredictionEvent[]) => served(events).map(({ warnings }) => warnings.includes(requestIdReused))

  it('is told from a repetition, and stays in doubt from then on', async () => {
    expect(warned(await ask({ body: good }, { body: good }, { body: other }, { body: good }))).toEqual([false, false, true, true])
  })

  it('of another index, model or tenant is another', async () => {
    const two = { request_id: 'r-1', instances: [good, other].map(({ request_id: _, ...instance }) => instance) }
    expect(warned(await ask({ body: two }, { body: two }))).toEqual([false, false, false, false])
  })

  it('is told to a caller of the inference protocol', async () => {
    const gateway = await createTestGateway({ definition: { latency_budget_ms: 15_000 } })
    const parametersOf = async (data: number[]) => {
      const response = await gateway.send(v2Path, { ...infer, inputs: [{ ...infer.inputs[0]!, data }] })
      return ((await response.json()) as { parameters: object }).parameters
    }
    expect(await parametersOf([30, 45])).not.toHaveProperty('request_id_reused')
    expect(await parametersOf([30, 46])).toHaveProperty('request_id_reused', true)
  })
})

describe('the ids that are remembered', () => {
  const hash = (digit: string) => digit.repeat(64)

  it('are bounded: the oldest goes', () => {
    const ids = createAskedIds({ maxIds: 2 })
    for (const id of ['a', 'b', 'c']) expect(ids.standsForAnother(id, hash('1'))).toBe(false)
    expect(ids.standsForAnother('b', hash('2'))).toBe(true)
    expect(ids.standsForAnother('a', hash('2'))).toBe(false)
  })

  it('cost the same however many there are', () => {
    const ids = createAskedIds({ maxIds: 1000 })
    for (let n = 0; n < 5000; n++) expect(ids.standsForAnother(`r-${n}`, hash('3'))).toBe(false)
    expect(ids.standsForAnother('r-4999', hash('4'))).toBe(true)
    expect(ids.standsForAnother('r-3999', hash('4'))).toBe(false)
  })
})
