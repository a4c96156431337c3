import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { onlineStoreContract } from './online-store.contract.ts'
import { openRedisOnlineStore, type RedisOnlineStoreOptions } from './online-store-redis.ts'
import { partitionCount } from './online-store.ts'
import { describeWithRedis, startTestRedis, type TestRedis } from './testing/redis-server.ts'

const at = (seq: number) => [{ writer_id: 'gateway', epoch: 1, seq }]
const one = (partition: number, key: string, value: number) => ({ partition, values: new Map([[key, Uint8Array.of(value)]]) })
const unavailable = { code: 'online_store_unavailable', retryable: true }

describeWithRedis('Redis', () => {
  let redis: TestRedis
  const open = (options: Partial<RedisOnlineStoreOptions> = {}) =>
    openRedisOnlineStore({ url: redis.url, commandTimeoutMs: 500, ...options })

  beforeAll(async () => {
    redis = await startTestRedis()
  })
  beforeEach(async () => {
    await redis.client.flushall()
  })
  afterAll(async () => {
    await redis?.stop()
  })

  onlineStoreContract('the online store in Redis, as the writer', () => open({ writer: true }))
  onlineStoreContract('the online store in Redis, as anyone', () => open())

  test('keeps systems with other prefixes apart', async () => {
    const [mine, other] = [await open({ keyPrefix: 'a' }), await open({ keyPrefix: 'b' })]
    await mine.commit([{ ...one(0, 'x', 1), applied: at(1) }])
    await other.clear()
    expect(await other.read([{ partition: 0, key: 'x' }])).toEqual({ values: [undefined], applied: [] })
    expect((await mine.read([{ partition: 0, key: 'x' }])).applied).toEqual(at(1))
    await mine.close()
    await other.close()
  })

  test('sends what is asked of several partitions in one turn at once', async () => {
    const store = await open()
    const readsOfServer = async () => Number(/total_reads_processed:(\d+)/.exec(await redis.client.info('stats'))?.[1])
    const before = await readsOfServer()
    await Promise.all([0, 1, 2, 3].map((partition) => store.read([{ partition, key: 'x' }])))
    const asking = 1
    expect((await readsOfServer()) - before - asking).toBe(1)
    await store.close()
  })

  test('commits and reads thousands of keys, and scans a large partition in pages', async () => {
    const store = await open({ writer: true, commandTimeoutMs: 5_000 })
    const keys = Array.from({ length: 5_000 }, (_, index) => `key ${index}`)
    await store.commit([{ partition: 7, values: new Map(keys.map((key) => [key, Buffer.from(key)])), applied: at(1) }])
    const { values } = await store.read(keys.map((key) => ({ partition: 7, key })))
    expect(values.map((value) => Buffer.from(value ?? []).toString())).toEqual(keys)
    const found = new Set<string>()
    let largest = 0
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const page = await store.scan(7, { after, maxKeys: 200 })
      largest = Math.max(largest, page.keys.length)
      for (const key of page.keys) found.add(key)
      after = page.next
    }
    expect(found).toEqual(new Set(keys))
    expect(largest).toBeLessThan(400)
    await store.commit([{ partition: 7, values: new Map(keys.map((key) => [key, undefined])), applied: [] }])
    expect((await store.scan(7, { maxKeys: 200 })).keys).toEqual([])
    await store.close()
  })

  test('a reader sees every partition whole while it is written', async () => {
    const [writer, reader] = [await open({ writer: true }), await open()]
    let isWriting = true
    async function write(): Promise<void> {
      for (let seq = 1; seq <= 150; seq++) {
        const values = new Map(['a', 'b'].map((key) => [key, Buffer.from(`${seq}`)]))
        await writer.commit([3, 4].map((partition) => ({ partition, values, applied: at(seq) })))
      }
      isWriting = false
    }
    const writing = write()
    const seen = new Set<number>()
    while (isWriting) {
      const { values, applied } = await reader.read(['a', 'b'].map((key) => ({ partition: 3, key })))
      const seqs = new Set([...values.map((value) => Number(Buffer.from(value ?? []).toString())), applied[0]?.seq ?? 0])
      expect(seqs.size).toBe(1)
      for (const seq of seqs) seen.add(seq)
    }
    await writing
    expect(seen.size).toBeGreaterThan(3)
    await writer.close()
    await reader.close()
  })

  test('the writer is told once that the store was emptied, and goes on from there', async () => {
    const store = await open({ writer: true })
    await store.commit([{ ...one(0, 'a', 1), applied: at(5) }])
    await redis.client.flushall()
    await expect(store.commit([{ ...one(0, 'b', 1), applied: at(6) }])).rejects.toMatchObject(unavailable)
    expect(await store.read([{ partition: 0, key: 'b' }])).toEqual({ values: [undefined], applied: [] })
    await store.commit([{ ...one(0, 'b', 1), applied: at(1) }])
    expect((await store.read([{ partition: 0, key: 'b' }])).applied).toEqual(at(1))
    await redis.client.flushall()
    await expect(store.read([{ partition: 0, key: 'b' }])).rejects.toMatchObject(unavailable)
    await store.close()
  })

  test('of two writers the second to commit is told, and nothing of it is stored', async () => {
    const [first, second] = [await open({ writer: true }), await open({ writer: true })]
    for (const store of [first, second]) await store.read([{ partition: 0, key: 'a' }])
    await first.commit([{ ...one(0, 'a', 1), applied: at(1) }])
    await expect(second.commit([{ ...one(0, 'a', 2), applied: at(2) }])).rejects.toMatchObject(unavailable)
    const reader = await open()
    expect(await reader.read([{ partition: 0, key: 'a' }])).toEqual({ values: [Buffer.of(1)], applied: at(1) })
    // Anyone may leave a note without values of the log in it.
    await reader.commit([{ ...one(0, 'note', 1), applied: [] }])
    await first.commit([{ ...one(0, 'a', 3), applied: at(2) }])
    await Promise.all([first.close(), second.close(), reader.close()])
  })

  test('applied() is the least of all partitions when they differ', async () => {
    const store = await open({ writer: true })
    const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)
    await store.commit(partitions.map((partition) => ({ partition, values: new Map(), applied: at(partition === 9 ? 3 : 8) })))
    expect(await store.applied()).toEqual(at(3))
    await store.close()
  })
})
