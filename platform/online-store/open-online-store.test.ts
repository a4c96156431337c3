import { expect, test } from 'vitest'
import { z } from 'zod'
import { loadConfig } from '../service/common-config.ts'
import { onlineStoreConfigFields, openOnlineStore } from './open-online-store.ts'

const load = (env: NodeJS.ProcessEnv) => ({ ...loadConfig(z.object(onlineStoreConfigFields), env), HINDSIGHT_DATA_DIR: '/nowhere' })

test('the environment says which Redis', () => {
  expect(load({})).toMatchObject({ REDIS_CLUSTER: false, REDIS_KEY_PREFIX: 'hindsight' })
  expect(load({ REDIS_URL: 'rediss://redis:6380/2', REDIS_CLUSTER: 'true' })).toMatchObject({
    REDIS_URL: 'rediss://redis:6380/2',
    REDIS_CLUSTER: true,
  })
})

test.each([
  [{ REDIS_URL: 'http://redis:6379' }, 'REDIS_URL'],
  [{ REDIS_CLUSTER: 'perhaps' }, 'REDIS_CLUSTER'],
  [{ REDIS_KEY_PREFIX: 'a{b}' }, 'REDIS_KEY_PREFIX'],
])('%o is refused', (env, variable) => {
  expect(() => load(env)).toThrow(variable)
})

test('names the variables at fault before it connects', async () => {
  const missing = load({ REDIS_URL: 'rediss://127.0.0.1:1', REDIS_CA_FILE: '/nowhere/ca.pem' })
  await expect(openOnlineStore(missing, { as: 'reader' })).rejects.toMatchObject({ code: 'invalid_config' })
  const database = load({ REDIS_URL: 'redis://127.0.0.1:1/main' })
  await expect(openOnlineStore(database, { as: 'reader' })).rejects.toMatchObject({ code: 'invalid_config' })
})
