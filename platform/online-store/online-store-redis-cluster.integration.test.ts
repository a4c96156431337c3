import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { onlineStoreContract } from './online-store.contract.ts'
import { openRedisOnlineStore } from './online-store-redis.ts'
import { partitionCount } from './online-store.ts'
import { startTestCluster } from './testing/redis-cluster.ts'
import { describeWithRedis, type TestRedis } from './testing/redis-server.ts'

describeWithRedis('Redis Cluster', () => {
  let nodes: TestRedis[] = []
  const open = () =>
    openRedisOnlineStore({ url: nodes[0]?.url ?? '', cluster: true, writer: true, commandTimeoutMs: 2_000, keyPrefix: 'cluster' })

  beforeAll(async () => {
    nodes = await startTestCluster()
  })
  beforeEach(async () => {
    for (const node of nodes) await node.client.flushall()
  })
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  })

  onlineStoreContract('the online store in a Redis Cluster', open)

  test('spreads the partitions over every node, and reads them all in one call', async () => {
    const store = await open()
    const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)
    const applied = [{ writer_id: 'gateway', epoch: 1, seq: 1 }]
    await store.commit(partitions.map((partition) => ({ partition, values: new Map([['a', Uint8Array.of(partition)]]), applied })))
    const read = await store.read(partitions.map((partition) => ({ partition, key: 'a' })))
    expect(read.values.map((value) => value?.[0])).toEqual(partitions)
    expect(read.applied).toEqual(applied)
    const sizes = await Promise.all(nodes.map((node) => node.client.dbsize()))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(partitionCount)
    expect(Math.min(...sizes)).toBeGreaterThan(5)
    await store.close()
  })

  test('follows a partition that moves to another node', async () => {
    const store = await open()
    const applied = [{ writer_id: 'gateway', epoch: 1, seq: 1 }]
    await store.commit([{ partition: 5, values: new Map([['a', Uint8Array.of(1)]]), applied }])
    const slot = await nodes[0]?.client.cluster('KEYSLOT', 'cluster:{cluster-5}')
    const owners = await Promise.all(nodes.map((node) => node.client.cluster('COUNTKEYSINSLOT', Number(slot))))
    const from = nodes[owners.findIndex((count) => count > 0)] as TestRedis
    const to = nodes[owners.findIndex((count) => count === 0)] as TestRedis
    const [fromId, toId] = [await from.client.cluster('MYID'), await to.client.cluster('MYID')]
    await to.client.cluster('SETSLOT', Number(slot), 'IMPORTING', String(fromId))
    await from.client.cluster('SETSLOT', Number(slot), 'MIGRATING', String(toId))
    await from.client.migrate('127.0.0.1', to.port, 'cluster:{cluster-5}', 0, 5_000)
    for (const node of [to, from]) await node.client.cluster('SETSLOT', Number(slot), 'NODE', String(toId))
    expect((await store.read([{ partition: 5, key: 'a' }])).applied).toEqual(applied)
    await store.commit([{ partition: 5, values: new Map([['a', Uint8Array.of(2)]]), applied }])
    await store.close()
  })
})
