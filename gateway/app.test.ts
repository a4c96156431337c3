import { describe, expect, it } from 'vitest'
import { errorBody, predictLimits } from '../contracts/http.ts'
import { createTestAccess } from './testing/test-access.ts'
import { createTestGateway } from './testing/test-gateway.ts'

const predictPath = '/v1/models/parcel-delay/predict'
const good = { entities: { depot: 'BER' }, anchor: 'sent', features: { weight: 30 } }
const keyed = 'a-key-of-some-length'

async function errorOf(response: Response) {
  return { status: response.status, ...errorBody.parse(await response.json()).error }
}

describe('bad requests leave nothing behind', () => {
  it.each([
    ['no JSON', '{"entities":', 400, 'invalid_json', undefined],
    ['an unknown field', { ...good, colour: 'red' }, 400, 'invalid_request', 'colour'],
    ['an unknown field of an instance', { instances: [good, { ...good, colour: 1 }] }, 400, 'invalid_request', 'instances[1].colour'],
    ['a wrong type', { ...good, tags: 'late' }, 400, 'invalid_request', 'tags'],
    ['null for a feature', { ...good, features: { weight: null } }, 400, 'invalid_request', 'features.weight'],
    [
      'a list for a feature',
      { instances: [{ ...good, features: { weight: [1] } }] },
      400,
      'invalid_request',
      'instances[0].features.weight',
    ],
    ['a bad anchor time', { ...good, anchor_time: 'yesterday' }, 400, 'invalid_request', 'anchor_time'],
    ['an impossible anchor time', { ...good, anchor_time: '2001-02-30T00:00:00Z' }, 400, 'invalid_request', 'anchor_time'],
    ['a name that is no feature name', { ...good, features: { 'Weight!': 1 } }, 400, 'invalid_request', 'features.Weight!'],
    ['an unknown role', { ...good, entities: { depo: 'BER' } }, 400, 'invalid_request', 'entities.depo'],
    ['a role every object has', { ...good, entities: { valueof: 'x', to_string: 'x' } }, 400, 'invalid_request', 'entities.valueof'],
    ['a missing feature', { ...good, features: {} }, 400, 'missing_feature', 'features.weight'],
    [
      'a missing feature of an instance',
      { instances: [good, { ...good, features: {} }] },
      400,
      'missing_feature',
      'instances[1].features.weight',
    ],
    ['no anchor where there are two', { ...good, anchor: undefined }, 400, 'invalid_request', 'anchor'],
    ['an unknown anchor', { ...good, anchor: 'send' }, 400, 'unknown_anchor', 'anchor'],
    ['an unknown version', { ...good, options: { version: '9' } }, 404, 'unknown_version', 'options.version'],
    ['a refused version', { ...good, options: { version: '4' } }, 404, 'unknown_version', 'options.version'],
    ['no instances', { instances: [] }, 400, 'invalid_request', 'instances'],
    ['too many instances', { instances: Array.from({ length: 1001 }, () => ({})) }, 400, 'invalid_request', 'instances'],
    ['a list as body', [good], 400, 'invalid_request', undefined],
    ['a number as body', 7, 400, 'invalid_request', undefined],
    ['infinity', '{"features": {"weight": 1e400}}', 400, 'not_finite', 'features.weight'],
    ['NaN', '{"instances": [{"features": {"weight": NaN}}]}', 400, 'not_finite', 'instances[0].features.weight'],
    ['33 levels', `${'{"features":'.repeat(33)}1${'}'.repeat(33)}`, 400, 'too_deep', 'features'],
    ['a prototype', '{"features": {"__proto__": 1}}', 400, 'invalid_request', 'features.__proto__'],
    ['a field twice', '{"tags": [], "tags": []}', 400, 'invalid_request', 'tags'],
    ['bytes that are not UTF-8', Uint8Array.from([123, 34, 0xff, 34, 125]), 400, 'invalid_json', undefined],
  ])('%s', async (_, body, status, code, path) => {
    const { send, log, background } = await createTestGateway()
    const error = await errorOf(await send(predictPath, body))
    expect(error).toMatchObject({ status, code })
    expect(error.path === undefined ? undefined : error.path.slice(0, path?.length)).toBe(path)
    await background.settled()
    expect(log.appended).toEqual([])
  })

  it('a body over 1 MiB, declared or streamed', async () => {
    const { app, send } = await createTestGateway()
    const large = `{"tags": ["${'x'.repeat(predictLimits.bodyBytes)}"]}`
    const declared = await send(predictPath, large, { 'content-length': String(large.length) })
    expect(await errorOf(declared)).toMatchObject({ status: 413, code: 'body_too_large' })
    let pulled = 0
    const body = new ReadableStream({
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(16 * 1024))
      },
    })
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body, duplex: 'half' }
    expect(await errorOf(await app.request(predictPath, init as RequestInit))).toMatchObject({ status: 413, code: 'body_too_large' })
    expect(pulled).toBeLessThan(75)
  })

  it('a body that is not declared as plain JSON', async () => {
    const { send } = await createTestGateway()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1'])
      expect(await errorOf(await send(predictPath, good, { 'content-type': type }))).toMatchObject({
        status: 415,
        code: 'unsupported_media_type',
      })
  })

  it('an unknown model, with the nearest name', async () => {
    const { send } = await createTestGateway()
    expect(await errorOf(await send('/v1/models/parcel-dealy/predict', good))).toMatchObject({
      status: 404,
      code: 'unknown_model',
      hint: 'did you mean "parcel-delay"?',
    })
  })
})

describe('the way of every request', () => {
  it('answers unknown paths and methods in the form of every error', async () => {
    const { app } = await createTestGateway()
    expect(await errorOf(await app.request('/v9/nothing'))).toMatchObject({ status: 404, code: 'not_found' })
    const wrongMethod = await app.request(predictPath)
    expect(wrongMethod.headers.get('allow')).toBe('POST')
    expect(await errorOf(wrongMethod)).toMatchObject({ status: 405, code: 'method_not_allowed' })
    expect((await app.request('/v1/models', { method: 'DELETE' })).status).toBe(405)
  })

  it('echoes the request id, of the header or of the body', async () => {
    const { send, app } = await createTestGateway()
    const byHeader = await send(predictPath, {}, { 'x-request-id': 'abc' })
    expect(byHeader.headers.get('x-request-id')).toBe('abc')
    expect((await errorOf(byHeader)).request_id).toBe('abc')
    const byBody = await send(predictPath, { ...good, request_id: 'from-body' }, { 'x-request-id': 'abc' })
    expect(byBody.headers.get('x-request-id')).toBe('from-body')
    expect((await app.request('/livez')).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('asks for the key everywhere but for health, metrics and documentation', async () => {
    const { app, send } = await createTestGateway({ access: createTestAccess({ apiKey: keyed }) })
    for (const path of ['/', '/livez', '/readyz', '/metrics', '/openapi.json', '/docs']) expect((await app.request(path)).status).toBe(200)
    for (const path of ['/v1/models', '/v1/nothing', '/v1/predictions/x'])
      expect(await errorOf(await app.request(path))).toMatchObject({ status: 401, code: 'unauthorized' })
    expect((await send(predictPath, good, { authorization: 'Bearer wrong' })).status).toBe(401)
    expect((await send(predictPath, good, { authorization: `Bearer ${keyed}` })).status).toBe(200)
  })

  it('refuses one request too many at once, and says when to come back', async () => {
    const { send, log } = await createTestGateway({ maxInFlight: 1 })
    log.hold()
    const first = send(predictPath, { ...good, options: { timeout_ms: 4000 } })
    const second = await send(predictPath, good)
    expect(second.headers.get('retry-after')).toBe('1')
    expect(await errorOf(second)).toMatchObject({ status: 503, code: 'overloaded' })
    log.release()
    expect((await first).status).toBe(200)
  })

  it('answers while it drains, what is under way and what still comes, and asks each connection to be closed', async () => {
    const { send, log, admission, closing } = await createTestGateway()
    expect((await send(predictPath, good)).headers.get('connection')).toBeNull()
    log.hold()
    const underWay = send(predictPath, { ...good, options: { timeout_ms: 4000 } })
    await expect.poll(() => admission.inFlight).toBe(1)
    closing.enter('draining')
    const refused = await send(predictPath, {})
    expect([refused.status, refused.headers.get('connection')]).toEqual([400, 'close'])
    log.release()
    for (const response of [await underWay, await send(predictPath, good)])
      expect([response.status, response.headers.get('connection')]).toEqual([200, 'close'])
  })

  it('never shows the inside of a fault', async () => {
    const { app } = await createTestGateway({ warehouse: { query: () => Promise.reject(new Error('password is hunter2')) } as never })
    const error = await errorOf(await app.request('/v1/predictions/01890000-0000-7000-8000-000000000000'))
    expect(error).toMatchObject({ status: 500, code: 'internal' })
    expect(error.message).not.toContain('hunter2')
  })

  it('documents every route of the API, and nothing else', async () => {
    const { app } = await createTestGateway()
    const document = (await (await app.request('/openapi.json')).json()) as { paths: Record<string, object> }
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    )
    const served = app.routes
      .filter(({ method, path }) => method !== 'ALL' && (/^\/v[12]/.test(path) || /^\/(livez|readyz)$/.test(path)))
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`)
    expect(documented.toSorted()).toEqual(served.toSorted())
  })

  it('documents that an overload says when to come again, and that what is wrong for good does not', async () => {
    const { app } = await createTestGateway()
    const document = (await (await app.request('/openapi.json')).json()) as {
      paths: Record<string, { post?: { responses: Record<string, { headers?: object }> } }>
    }
    const responses = document.paths['/v1/models/{model}/predict']?.post?.responses
    expect(responses?.['503']?.headers).toHaveProperty('Retry-After')
    expect(responses?.['400']?.headers).toBeUndefined()
  })

  it('shows its documentation without another host', async () => {
    const { app } = await createTestGateway()
    const page = await (await app.request('http://127.0.0.1:21080/docs')).text()
    expect(page).toContain('/v1/models/{model}/predict')
    expect(page).toContain('curl http://127.0.0.1:21080/v1/models')
    expect(page).not.toMatch(/<script|(src|href)="(https?:)?\/\//)
  })
})
