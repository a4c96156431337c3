import { describe, expect, it } from 'vitest'
import { errorBody } from '../../contracts/http.ts'
import { createTestAccess, createTestKey } from '../testing/test-access.ts'
import { createTestGateway } from '../testing/test-gateway.ts'
import { rotateKey } from './key-changes.ts'
import type { StoredKey } from './key-file.ts'

const predictPath = '/v1/models/parcel-delay/predict'
const parcel = { entities: { depot: 'BER' }, anchor: 'sent', features: { weight: 30 } }
const label = { label: 'came_late', request_id: 'r-1', value_number: 1, event_time: '2001-06-04T12:00:00Z' }
const past = '2001-01-01T00:00:00.000Z'

const codeOf = async (response: Response) => (response.ok ? 'ok' : errorBody.parse(await response.json()).error.code)

async function predictAs(key: StoredKey, authorization: string) {
  const { send } = await createTestGateway({ access: createTestAccess({ keys: [key] }) })
  return codeOf(await send(predictPath, parcel, { authorization }))
}

describe('a key', () => {
  it.each([
    ['as it was given', {}, (sent: string) => sent, 'ok'],
    ['in lower case', {}, (sent: string) => sent.replace('Bearer', 'bearer'), 'ok'],
    ['with another last character', {}, (sent: string) => sent.slice(0, -1) + (sent.endsWith('A') ? 'B' : 'A'), 'unauthorized'],
    ['of an id that does not exist', {}, (sent: string) => sent.replace('hs_abc', 'hs_abd'), 'unauthorized'],
    ['as a hash', {}, () => `Bearer ${'a'.repeat(64)}`, 'unauthorized'],
    ['twice', {}, (sent: string) => `${sent} ${sent}`, 'unauthorized'],
    ['as another scheme', {}, (sent: string) => sent.replace('Bearer', 'Basic'), 'unauthorized'],
    ['when it has expired', { expires_at: past }, (sent: string) => sent, 'unauthorized'],
  ])('%s', async (_, change, alter, code) => {
    const { key, authorization } = createTestKey()
    expect(await predictAs({ ...key, ...change }, alter(authorization))).toBe(code)
  })

  it('has two secrets while it is rotated, then one', async () => {
    const { key, authorization: old } = createTestKey()
    const overlapping = rotateKey([key], { key: key.key_id, overlapMs: 60_000, nowMs: Date.now() }).result
    expect(await predictAs(overlapping.key, old)).toBe('ok')
    expect(await predictAs(overlapping.key, `Bearer ${overlapping.token}`)).toBe('ok')
    const over = rotateKey([key], { key: key.key_id, overlapMs: 60_000, nowMs: Date.now() - 120_000 }).result
    expect(await predictAs(over.key, old)).toBe('unauthorized')
    expect(await predictAs(over.key, `Bearer ${over.token}`)).toBe('ok')
  })
})

describe('scopes', () => {
  it.each([
    ['predict', ['ok', 'forbidden', 'forbidden', 'forbidden', 'ok', 'forbidden']],
    ['label', ['forbidden', 'ok', 'ok', 'forbidden', 'forbidden', 'ok']],
    ['read', ['forbidden', 'forbidden', 'forbidden', 'not_found', 'ok', 'ok']],
    ['admin', ['forbidden', 'forbidden', 'forbidden', 'forbidden', 'forbidden', 'forbidden']],
  ] as const)('%s opens its own routes only', async (scope, expected) => {
    const { key, authorization } = createTestKey({ scopes: [scope] })
    const { send, app } = await createTestGateway({ access: createTestAccess({ keys: [key] }) })
    const get = (path: string) => app.request(path, { headers: { authorization } })
    const answers = [
      await send(predictPath, parcel, { authorization }),
      await send('/v1/labels', label, { authorization }),
      await send('/v1/events/scans', { keys: { depot: 7 }, values: { delay: 1 }, event_time: past }, { authorization }),
      await get('/v1/predictions/x'),
      await get('/v1/models'),
      await get('/v1/labels'),
    ]
    expect(await Promise.all(answers.map(codeOf))).toEqual(expected)
  })

  it('the key of the environment has all of them but admin, beside those of the file', async () => {
    const apiKey = 'a-key-of-some-length'
    const { key, authorization } = createTestKey()
    const access = createTestAccess({ apiKey, keys: [key] })
    expect([...access.identify(`Bearer ${apiKey}`).scopes]).toEqual(['predict', 'label', 'read'])
    expect(access.identify(authorization).name).toBe('tests')
  })
})

describe('a tenant', () => {
  it('of the key stands in predictions, shadows, labels, feature events and rejects', async () => {
    const { key, authorization } = createTestKey({ tenant: 'acme', scopes: ['predict', 'label'] })
    const { send, log, background } = await createTestGateway({ access: createTestAccess({ keys: [key] }) })
    const event = { keys: { depot: 7 }, values: { delay: 1 }, event_time: past }
    await send(predictPath, parcel, { authorization })
    await send('/v1/labels', { labels: [label, { ...label, value_number: 2 }] }, { authorization })
    await send('/v1/events/scans', event, { authorization })
    await background.settled()
    expect(log.appended.map(({ kind }) => kind).toSorted()).toEqual(['event', 'event', 'event', 'event', 'reject'])
    expect(new Set(log.appended.map(({ body }) => body['tenant']))).toEqual(new Set(['acme']))
  })

  it('reads its own predictions only', async () => {
    const asked: unknown[] = []
    const warehouse = { query: async (_: string, params: object) => (asked.push(params), []) }
    const { key, authorization } = createTestKey({ tenant: 'acme', scopes: ['read'] })
    const { app } = await createTestGateway({ access: createTestAccess({ keys: [key] }), warehouse: warehouse as never })
    const id = '01890000-0000-7000-8000-000000000000'
    await app.request(`/v1/predictions/${id}`, { headers: { authorization } })
    expect(asked).toEqual([{ tenant: 'acme', id }])
  })
})

describe('limits of a key', () => {
  it('answers 429 with the time until its rate allows the next request', async () => {
    const { key, authorization } = createTestKey({ requests_per_second: 0.25, burst: 2 })
    const { send } = await createTestGateway({ access: createTestAccess({ keys: [key] }) })
    for (let taken = 0; taken < 2; taken++) expect((await send(predictPath, parcel, { authorization })).status).toBe(200)
    const refused = await send(predictPath, parcel, { authorization })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '4'])
    expect(await codeOf(refused)).toBe('rate_limited')
  })

  it('bounds the requests of the key that are under way, and no other key', async () => {
    const { key, authorization } = createTestKey({ max_concurrent: 1 })
    const other = createTestKey({ key_id: 'mnkjhgfedcba', name: 'other' })
    const { send, log, admission } = await createTestGateway({ access: createTestAccess({ keys: [key, other.key] }) })
    log.hold()
    const body = { ...parcel, options: { timeout_ms: 4000 } }
    const first = send(predictPath, body, { authorization })
    await expect.poll(() => admission.inFlight).toBe(1)
    const second = await send(predictPath, body, { authorization })
    expect([second.status, await codeOf(second)]).toEqual([429, 'rate_limited'])
    const third = send(predictPath, body, { authorization: other.authorization })
    await expect.poll(() => admission.inFlight).toBe(2)
    log.release()
    expect([(await first).status, (await third).status]).toEqual([200, 200])
    expect((await send(predictPath, body, { authorization })).status).toBe(200)
  })
})
