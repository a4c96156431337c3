import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { loadConfig } from '../service/common-config.ts'
import { checkNatsConfig, natsConfigFields, toIdentity, usesNats, type NatsSettings } from './nats-config.ts'

const load = (env: Record<string, string>) => loadConfig(z.object(natsConfigFields), env)
const settings = (env: Record<string, string>) => load({ NATS_URL: 'nats://n:4222', ...env }) as NatsSettings

describe('the environment', () => {
  test('without NATS_URL there is no NATS; an empty one counts as none', () => {
    expect(usesNats(load({}))).toBe(false)
    expect(usesNats(load({ NATS_URL: '' }))).toBe(false)
    expect(usesNats(load({ NATS_URL: 'nats://n' }))).toBe(true)
  })

  test.each(['nats://n', 'tls://n:4222', 'nats://[::1]:4222', 'nats://a:b@n1, nats://n2:4223,tls://n3', 'nats://t%40ken@n'])(
    '%s is a URL',
    (url) => expect(load({ NATS_URL: url }).NATS_URL).toBe(url),
  )

  test.each(['n:4222', 'http://n', 'nats://', 'nats://n1,', 'nats://n1 nats://n2', 'nats://100%:b@n'])('%s is none', (url) => {
    expect(() => load({ NATS_URL: url })).toThrow(/^NATS_URL: must be nats/)
  })

  test.each([
    ['NATS_STREAM_PREFIX', 'a.b'],
    ['NATS_STREAM_PREFIX', '>'],
    ['NATS_STREAM_REPLICAS', '6'],
    ['NATS_STREAM_MAX_BYTES', '1000'],
    ['NATS_ACK_WAIT_MS', '0'],
  ])('%s may not be %s', (name, value) => {
    expect(() => load({ [name]: value })).toThrow(name)
  })

  test.each([
    [{ NATS_ACK_WAIT_MS: '60000', NATS_STREAM_MAX_AGE_MS: '120000', NATS_DUPLICATE_WINDOW_MS: '1000' }, 'NATS_STREAM_MAX_AGE_MS'],
    [{ NATS_STREAM_MAX_AGE_MS: '200000', NATS_DUPLICATE_WINDOW_MS: '200001' }, 'NATS_DUPLICATE_WINDOW_MS'],
    [{ NATS_CERT_FILE: 'cert.pem' }, 'NATS_KEY_FILE'],
    [{ NATS_KEY_FILE: 'key.pem' }, 'NATS_KEY_FILE'],
    [{ NATS_PASSWORD: 'of nobody' }, 'NATS_USER'],
  ])('%o contradicts itself', (env, variable) => {
    expect(() => checkNatsConfig(settings(env))).toThrow(variable)
  })

  test('the defaults, and a password with a user, do not', () => {
    for (const env of [{}, { NATS_PASSWORD: 'p', NATS_USER: 'u' }, { NATS_URL: 'nats://u@n', NATS_PASSWORD: 'p' }])
      checkNatsConfig(settings(env))
  })
})

describe('toIdentity', () => {
  test.each([
    [{}, {}],
    [{ NATS_URL: 'nats://u:p%2F%40@n' }, { user: 'u', pass: 'p/@' }],
    [{ NATS_URL: 'nats://n1,nats://u:p@n2' }, { user: 'u', pass: 'p' }],
    [{ NATS_URL: 'nats://t%40ken@n' }, { token: 't@ken' }],
    [
      { NATS_URL: 'nats://u@n', NATS_PASSWORD: 'p' },
      { user: 'u', pass: 'p' },
    ],
    [
      { NATS_URL: 'nats://u:p@n', NATS_USER: 'v', NATS_PASSWORD: 'q' },
      { user: 'v', pass: 'q' },
    ],
    [{ NATS_URL: 'nats://other@n', NATS_TOKEN: 't' }, { token: 't' }],
  ])('%o: %o', (env, identity) => expect(toIdentity(settings(env))).toEqual(identity))
})
