import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'
import { commonConfigFields, isLoopback, loadConfig, redactConfig, requireKeyBeyondLoopback } from './common-config.ts'

const schema = z.object(commonConfigFields)

describe('loadConfig', () => {
  test('an empty environment gives the defaults', () => {
    expect(loadConfig(schema, {})).toMatchObject({
      HINDSIGHT_PROJECT_DIR: 'models',
      HINDSIGHT_DATA_DIR: '.hindsight',
      HINDSIGHT_HOST: '127.0.0.1',
      HINDSIGHT_PORT: 8080,
    })
  })

  test('an empty variable counts as unset', () => {
    expect(loadConfig(schema, { HINDSIGHT_PORT: '', CLICKHOUSE_URL: '' })).toMatchObject({ HINDSIGHT_PORT: 8080 })
  })

  test('lists every error at once, and no value', () => {
    const env = { HINDSIGHT_PORT: '99999', HINDSIGHT_LOG_LEVEL: 'loud', HINDSIGHT_API_KEY: 'hunter2', CLICKHOUSE_URL: 'ftp://u:secret@h' }
    const error = errorOf(() => loadConfig(schema, env))
    expect(error.code).toBe('invalid_config')
    expect(error.message.split('\n').map((line) => line.split(':')[0])).toEqual([
      'HINDSIGHT_PORT',
      'HINDSIGHT_API_KEY',
      'HINDSIGHT_LOG_LEVEL',
      'CLICKHOUSE_URL',
    ])
    expect(error.message).not.toMatch(/99999|hunter2|secret/)
  })
})

test('a config is printed without its secrets', () => {
  const printed = redactConfig({
    HINDSIGHT_API_KEY: 'hunter2hunter2hunter2',
    CLICKHOUSE_PASSWORD: 'swordfish',
    CLICKHOUSE_URL: 'http://user:swordfish@clickhouse:8123',
    REDIS_URL: 'rediss://user:sword@fish@redis:6379/0',
    NATS_URL: 'nats://user:swordfish@n1:4222, tls://token@n2,nats://user:sword@fish@n3',
    HINDSIGHT_PORT: 8080,
  })
  expect(printed).toEqual({
    HINDSIGHT_API_KEY: '***',
    CLICKHOUSE_PASSWORD: '***',
    CLICKHOUSE_URL: 'http://***@clickhouse:8123',
    REDIS_URL: 'rediss://***@redis:6379/0',
    NATS_URL: 'nats://***@n1:4222, tls://***@n2,nats://***@n3',
    HINDSIGHT_PORT: 8080,
  })
})

describe('listening beyond this machine', () => {
  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('%s is this machine', (host) => {
    expect(isLoopback(host)).toBe(true)
  })

  test.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'example.com'])('%s needs a key', (host) => {
    expect(errorOf(() => requireKeyBeyondLoopback({ HINDSIGHT_HOST: host })).message).toContain('HINDSIGHT_API_KEY')
    requireKeyBeyondLoopback({ HINDSIGHT_HOST: host, HINDSIGHT_API_KEY: 'a key of 16 characters or more' })
  })
})

function errorOf(action: () => unknown): ServiceError {
  try {
    action()
  } catch (error) {
    if (error instanceof ServiceError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
