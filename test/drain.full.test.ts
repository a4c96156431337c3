import { afterEach, describe, expect, test } from 'vitest'
import { describeWithNats, startTestNats } from '../platform/nats/testing/nats-server.ts'
import { startTestRedis } from '../platform/online-store/testing/redis-server.ts'
import { isAlive } from '../platform/service/process-identity.ts'
import { type ServiceName } from '../platform/service/service.ts'
import { createDataDirectory, startHindsight } from './testing/hindsight-process.ts'
import { startOpenLoop } from './testing/open-loop.ts'
import { expectParity } from './testing/parity.ts'

/** The longest drain that a service may take before it ends with 1. */
const patience = { HINDSIGHT_DRAIN_TIMEOUT_MS: '60000' }

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

describe('SIGTERM of each service in turn under load: it ends with 0 in time, and nothing that was answered is lost', () => {
  test('embedded', () => endEach(['logger', 'features', 'labeler', 'warehouse', 'gateway'], {}))

  describeWithNats('with servers', () => {
    test('on NATS and Redis', async () => {
      const nats = await startTestNats()
      ends.push(() => nats.stop())
      const redis = await startTestRedis()
      ends.push(() => redis.stop())
      await endEach(['forwarder', 'logger', 'features', 'gateway'], { NATS_URL: nats.url, REDIS_URL: redis.url })
    })
  })
})

async function endEach(services: readonly ServiceName[], env: Record<string, string>): Promise<void> {
  const { dir: dataDir, remove } = createDataDirectory()
  ends.push(async () => remove())
  const hindsight = await startHindsight({ dataDir, env: { ...patience, ...env } })
  ends.push(() => hindsight.stop())
  const load = startOpenLoop({ url: () => hindsight.url, prefix: 'drain', perSecond: 20 })
  for (const service of services) {
    const answered = load.answered.size
    await expect.poll(() => load.answered.size, { message: `answers before the end of ${service}` }).toBeGreaterThan(answered + 40)
    const pid = hindsight.pidOf(service) ?? Number.NaN
    process.kill(pid, 'SIGTERM')
    await expect.poll(() => isAlive({ pid }), { message: `${service} ends` }).toBe(false)
    await expect.poll(() => hindsight.output()).toContain(`${service} is back`)
    expect(hindsight.output()).toContain(`${service} ended (exit status 0)`)
    // Draining any service but the gateway costs no request.
    if (service !== 'gateway') expect(load.failures).toEqual([])
  }
  const answered = load.answered.size
  await expect.poll(() => load.answered.size).toBeGreaterThan(answered + 40)
  await load.stop()
  await expectParity(load, hindsight)
}
