import { describe, expect, it } from 'vitest'
import { createTestAccess } from '../testing/test-access.ts'
import { createTestGateway } from '../testing/test-gateway.ts'

const app = 'https://app.example.com'
const keyed = createTestAccess({ apiKey: 'a-key-of-some-length' })
const preflight = { method: 'OPTIONS', headers: { origin: app, 'access-control-request-method': 'POST' } }

describe('security headers', () => {
  it.each(['/', '/docs', '/livez', '/v1/models', '/nothing', '/openapi.json', '/metrics'])(
    'stand on %s, whatever the answer',
    async (path) => {
      const { app: gateway } = await createTestGateway({ access: keyed })
      const { headers } = await gateway.request(path)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('DENY')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    },
  )
})

describe('pages of other origins', () => {
  it('are not answered unless they are named', async () => {
    const { app: gateway } = await createTestGateway()
    const asked = await gateway.request('/v1/models/parcel-delay/predict', preflight)
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([405, null])
    const read = await gateway.request('/v1/models', { headers: { origin: app } })
    expect(read.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('are answered when they are, before a key is asked for, and never with cookies', async () => {
    const { app: gateway } = await createTestGateway({ access: keyed, corsOrigins: [app] })
    const allowed = await gateway.request('/v1/models/parcel-delay/predict', preflight)
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, app])
    expect(allowed.headers.get('access-control-allow-headers')).toContain('Idempotency-Key')
    expect(allowed.headers.get('access-control-allow-credentials')).toBeNull()
    const refused = await gateway.request('/v1/models', { headers: { origin: app } })
    expect([refused.status, refused.headers.get('access-control-allow-origin'), refused.headers.get('vary')]).toEqual([401, app, 'Origin'])
    const other = await gateway.request('/v1/models', { headers: { origin: 'https://app.example.com.evil.example' } })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
  })
})
