import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestCluster } from '../../platform/online-store/testing/redis-cluster.ts'
import { describeWithRedis, startTestRedis, type TestRedis } from '../../platform/online-store/testing/redis-server.ts'
import { describeIdempotencyStore } from './idempotency-store.contract.ts'
import { openRedisIdempotencyStore } from './idempotency-store-redis.ts'

describeWithRedis('in Redis', () => {
  let redis: TestRedis
  let opened = 0
  beforeAll(async () => {
    redis = await startTestRedis()
  })
  afterAll(() => redis.stop())

  const open = (keyPrefix: string, commandTimeoutMs = 30_000) =>
    openRedisIdempotencyStore({ url: redis.url, keyPrefix, windowMs: 5_000, commandTimeoutMs })

  describeIdempotencyStore('the store', async () => {
    const prefix = `test-${opened++}`
    const [store, other] = await Promise.all([open(prefix), open(prefix)])
    return {
      store,
      other,
      // Holds and windows go by the server's clock.
      pass: (ms) => sleep(ms),
      close: async () => void (await Promise.all([store.close(), other.close()])),
    }
  })

  it('has an error for the one key of many that it cannot read, and for none of the others', async () => {
    const store = await open('odd')
    const keys = ['a', 'b', 'c'].map((key) => ({ tenant: 'default', model: 'm', key }))
    await redis.client.set('odd:idempotency:default:m:b', 'text')
    const claims = keys.map((place) => ({ place, claim: { attempt: 'a', fingerprint: 'f', writerId: 'w', epoch: 1 }, holdMs: 60_000 }))
    const failed = expect.objectContaining({ code: 'idempotency_unavailable' })
    expect(await store.claim(claims)).toEqual([undefined, failed, undefined])
    expect(await store.release(keys.map((place) => ({ place, attempt: 'a' })))).toEqual([undefined, failed, undefined])
    expect(await store.claim([claims[0]!, claims[2]!])).toEqual([undefined, undefined])
    await store.close()
  })

  it('says so when it does not answer', async () => {
    const store = await open('stopped', 500)
    const claim = { attempt: 'a', fingerprint: 'f', writerId: 'w', epoch: 1 }
    const place = { tenant: 'default', model: 'm', key: 'k' }
    redis.signal('SIGSTOP')
    // A stopped server answers nobody until it is let on, so that the claim ends by its time-out.
    expect(await store.claim([{ place, claim, holdMs: 1 }])).toMatchObject([{ code: 'idempotency_unavailable' }])
    redis.signal('SIGCONT')
    await store.close()
  })
})

describeWithRedis('in a Redis Cluster', () => {
  let nodes: TestRedis[] = []
  let opened = 0
  beforeAll(async () => {
    nodes = await startTestCluster()
  })
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  })

  const open = (keyPrefix: string, commandTimeoutMs = 30_000) =>
    openRedisIdempotencyStore({ url: nodes[0]!.url, cluster: true, keyPrefix, windowMs: 5_000, commandTimeoutMs })

  describeIdempotencyStore('the store', async () => {
    const prefix = `test-${opened++}`
    const [store, other] = await Promise.all([open(prefix), open(prefix)])
    return { store, other, pass: (ms) => sleep(ms), close: async () => void (await Promise.all([store.close(), other.close()])) }
  })

  it('has an error for the keys of a node that is away, and for none of the others', async () => {
    const store = await open('apart', 500)
    const places = Array.from({ length: 60 }, (_, index) => ({ tenant: 'default', model: 'm', key: `k-${index}` }))
    const claim = { attempt: 'a', fingerprint: 'f', writerId: 'w', epoch: 1 }
    const claimAll = () => store.claim(places.map((place) => ({ place, claim, holdMs: 60_000 })))
    expect(await claimAll()).toEqual(places.map(() => undefined))
    const away = nodes[2]!
    const names = new Set(await away.client.keys('apart:*'))
    const isAway = ({ key }: { key: string }) => names.has(`apart:idempotency:default:m:${key}`)
    away.signal('SIGSTOP')
    const outcomes = await claimAll()
    away.signal('SIGCONT')
    for (const [index, place] of places.entries())
      expect(outcomes[index]).toMatchObject(isAway(place) ? { code: 'idempotency_unavailable' } : { state: 'claimed', attempt: 'a' })
    expect(places.filter(isAway).length).toBeGreaterThan(5)
    await store.close()
  })
})
