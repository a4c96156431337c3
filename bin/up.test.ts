import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { requireDatasetDays } from '../models/flight-delay/train/dataset-days.ts'
import { up } from './up.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hindsight-up-'))
})
afterAll(() => rm(dir, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

test.each([
  ['the day after the last', '2001-07-01', 1],
  ['the day before the first', '2000-12-31', 1],
  ['another year', '2024-06-04', 1],
  ['days that go beyond the last', '2001-06-30', 2],
  ['more days than a date can have', '2001-06-04', 1e300],
])('a demo of %s is refused before anything is started or written', async (_, day, days) => {
  const dataDir = join(dir, 'data')
  const refusal = up({ project: 'models', dataDir, port: 0, demo: true, day, days, exit: true })
  await expect(refusal).rejects.toMatchObject({
    code: 'invalid_config',
    message: `the flights of the demo go from 2001-01-01 to 2001-06-30: --day ${day} --days ${days} leaves them`,
  })
  expect(existsSync(dataDir)).toBe(false)
})

test.each([
  ['2001-01-01', 1],
  ['2001-06-30', 1],
  ['2001-01-01', 181],
])('a demo from %s of %d days is not', (day, days) => {
  expect(() => requireDatasetDays({ day, days })).not.toThrow()
})

test('a runtime of the gateway that is not known is refused before anything is started or written', async () => {
  vi.stubEnv('HINDSIGHT_GATEWAY_RUNTIME', 'deno')
  const dataDir = join(dir, 'data')
  const refusal = up({ project: 'models', dataDir, port: 0, demo: false, day: '2001-06-04', days: 1, exit: true })
  await expect(refusal).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringContaining('HINDSIGHT_GATEWAY_RUNTIME') as string,
  })
  expect(existsSync(dataDir)).toBe(false)
})
