import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { errorBody } from '../../contracts/http.ts'
import { createTestAccess, createTestKey } from '../testing/test-access.ts'
import { createAdminApp } from './admin-app.ts'

const admin = createTestKey({ scopes: ['admin'], name: 'operator' })
const predict = createTestKey({ scopes: ['predict'], name: 'app', key_id: 'mnkjhgfedcba' })
const keyed = createTestAccess({ keys: [admin.key, predict.key] })
const open = createTestAccess()

function ask(setup: { host: string; access: typeof open }, headers: Record<string, string>, path = '/v1/name') {
  const deps = { logger: pino({ level: 'silent' }), version: '0', now: Date.now, tick: () => performance.now(), newId: () => 'id' }
  const app = createAdminApp({ ...deps, ...setup }, (routes) => {
    routes.get('/v1/name', (c) => c.text(c.var.caller.name))
  })
  return app.request(path, { headers })
}

async function outcome(response: Response): Promise<string> {
  return response.ok ? response.text() : errorBody.parse(await response.json()).error.code
}

describe('an admin route', () => {
  it.each([
    ['on loopback needs no key', '127.0.0.1', keyed, { host: '127.0.0.1:9090' }, 'local'],
    ['on loopback knows whose key is sent', '127.0.0.1', keyed, { host: 'localhost:9', authorization: admin.authorization }, 'operator'],
    ['on loopback refuses a key that is wrong', '127.0.0.1', keyed, { host: '[::1]:9', authorization: 'Bearer no' }, 'unauthorized'],
    ['on loopback refuses the name of another host', '127.0.0.1', open, { host: 'evil.example:9090' }, 'forbidden'],
    ['on loopback refuses a request without a host', '127.0.0.1', open, {}, 'forbidden'],
    ['beyond it needs a key', '0.0.0.0', keyed, { host: '127.0.0.1' }, 'unauthorized'],
    ['beyond it needs one although there is none', '0.0.0.0', open, { host: '127.0.0.1' }, 'unauthorized'],
    ['beyond it needs the scope', '0.0.0.0', keyed, { host: 'gateway', authorization: predict.authorization }, 'forbidden'],
    ['beyond it takes a key with the scope', '0.0.0.0', keyed, { host: 'gateway', authorization: admin.authorization }, 'operator'],
  ])('%s', async (_, host, access, headers, expected) => {
    const response = await ask({ host, access }, headers as Record<string, string>)
    expect(await outcome(response)).toBe(expected)
    expect(response.headers.get('x-request-id')).toBe('id')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  })
})

it('describes what changes the service, to anybody', async () => {
  const response = await ask({ host: '0.0.0.0', access: open }, {}, '/openapi.json')
  const document = (await response.json()) as { paths: Record<string, Record<string, { responses: object }>> }
  const { get, put, ...others } = document.paths['/v1/models/{model}/deployment']!
  expect(others).toEqual({})
  expect(Object.keys(get!.responses)).toEqual(['200', '401', '403', '404', '500'])
  expect(Object.keys(put!.responses)).toEqual(['200', '400', '401', '403', '404', '409', '413', '415', '500', '503'])
})
