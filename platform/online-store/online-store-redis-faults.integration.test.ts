import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openRedisOnlineStore, type RedisOnlineStoreOptions } from './online-store-redis.ts'
import type { ScannableOnlineStore } from './online-store.ts'
import { freePort } from '../service/testing/free-port.ts'
import { describeWithRedis, startTestRedis, type TestRedis } from './testing/redis-server.ts'

const at = (seq: number) => [{ writer_id: 'gateway', epoch: 1, seq }]
const keys = [{ partition: 0, key: 'a' }]
const unavailable = { code: 'online_store_unavailable', retryable: true }
const commandTimeoutMs = 300

let redis: TestRedis
const opened: ScannableOnlineStore[] = []
async function open(options: Partial<RedisOnlineStoreOptions> = {}): Promise<ScannableOnlineStore> {
  const store = await openRedisOnlineStore({ url: redis.url, commandTimeoutMs, connectTimeoutMs: 500, ...options })
  opened.push(store)
  return store
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()))
  await redis?.stop()
})

/** Expects calls to fail at once: of calls that wait for the command time-out, none ends before a timer of that time that was started before it. */
async function expectFailingAtOnce(store: ScannableOnlineStore): Promise<void> {
  let late = 0
  for (let call = 0; call < 100; call++) {
    const timer = setTimeout(() => late++, commandTimeoutMs)
    await expect(store.read(keys)).rejects.toMatchObject(unavailable)
    clearTimeout(timer)
  }
  // One call may wait for the client to notice.
  expect(late).toBeLessThanOrEqual(10)
}

describeWithRedis('Redis under faults', () => {
  test('killed and started again: every call fails at once, then it answers, and the writer learns what is gone', async () => {
    redis = await startTestRedis()
    const faults: Error[] = []
    const [writer, reader] = [await open({ writer: true }), await open({ onFault: (error) => faults.push(error) })]
    await writer.commit([{ partition: 0, values: new Map([['a', Uint8Array.of(1)]]), applied: at(1) }])
    const underWay = Promise.allSettled(Array.from({ length: 20 }, () => reader.read(keys)))
    await redis.kill()
    await underWay
    await expectFailingAtOnce(reader)
    await expect(reader.ping()).rejects.toMatchObject(unavailable)
    await expect(writer.commit([{ partition: 0, values: new Map(), applied: at(2) }])).rejects.toMatchObject(unavailable)
    await redis.restart()
    await expect.poll(() => reader.ping().then(() => 'there', String)).toBe('there')
    expect(await reader.read(keys)).toEqual({ values: [undefined], applied: [] })
    expect(faults).toHaveLength(1)
  })

  test('an older copy that comes back is not written to as if it were the latest', async () => {
    redis = await startTestRedis()
    const writer = await open({ writer: true })
    await writer.commit([{ partition: 0, values: new Map([['a', Uint8Array.of(1)]]), applied: at(1) }])
    await redis.client.save()
    await writer.commit([{ partition: 0, values: new Map([['a', Uint8Array.of(2)]]), applied: at(2) }])
    await redis.restart()
    const commit = { partition: 0, values: new Map([['b', Uint8Array.of(3)]]), applied: at(3) }
    await expect.poll(() => writer.ping().then(() => 'there', String), { interval: 5 }).toBe('there')
    await expect(writer.commit([commit])).rejects.toMatchObject(unavailable)
    expect(await writer.read(keys)).toEqual({ values: [Buffer.of(1)], applied: at(1) })
    await writer.commit([commit])
  })

  test('stopped in the middle: calls end, nothing piles up, and a late commit does not overtake', async () => {
    redis = await startTestRedis()
    const [writer, reader] = [await open({ writer: true }), await open()]
    await writer.commit([{ partition: 0, values: new Map([['a', Uint8Array.of(1)]]), applied: at(1) }])
    await reader.read(keys)
    redis.signal('SIGSTOP')
    // A stopped server answers nobody until it is let on.
    const late = writer.commit([{ partition: 0, values: new Map([['a', Uint8Array.of(2)]]), applied: at(2) }])
    await expect(late).rejects.toMatchObject(unavailable)
    await expect(reader.read(keys)).rejects.toMatchObject(unavailable)
    await expectFailingAtOnce(reader)
    redis.signal('SIGCONT')
    await expect.poll(() => reader.ping().then(() => 'there', String)).toBe('there')
    await expect
      .poll(() =>
        writer.read(keys).then(
          (read) => read.applied[0]?.seq ?? 0,
          () => 0,
        ),
      )
      .toBe(2)
    await writer.commit([{ partition: 0, values: new Map([['a', Uint8Array.of(3)]]), applied: at(3) }])
    expect(await reader.read(keys)).toEqual({ values: [Buffer.of(3)], applied: at(3) })
  })

  test('not there yet when the store is opened: it opens, and answers when Redis does', async () => {
    redis = await startTestRedis()
    await redis.kill()
    const store = await open()
    await expect(store.read(keys)).rejects.toMatchObject(unavailable)
    await expect((await open({ cluster: true })).read(keys)).rejects.toMatchObject(unavailable)
    await redis.restart()
    await expect.poll(() => store.ping().then(() => 'there', String)).toBe('there')
  })

  test('an ACL user is enough, and a wrong password is said without saying it', async () => {
    redis = await startTestRedis()
    const rights = ['+hmget', '+hexists', '+eval', '+hget', '+hset', '+hdel', '+hscan', '+unlink', '+info', '+ping', '+client']
    await redis.client.call('ACL', 'SETUSER', 'store', 'on', '>s3cret/@', '~mine:*', ...rights)
    const store = await open({ user: 'store', password: 's3cret/@', keyPrefix: 'mine', writer: true })
    await store.clear()
    await store.commit([{ partition: 0, values: new Map([['a', Uint8Array.of(1)]]), applied: at(1) }])
    expect((await store.scan(0, { maxKeys: 10 })).keys).toEqual(['a'])
    const elsewhere = await open({ url: redis.url.replace('//', '//store:s3cret%2F%40@'), keyPrefix: 'theirs' })
    await expect(elsewhere.ping()).rejects.toMatchObject({ ...unavailable, message: 'the online store answers NOPERM' })
    const faults: Error[] = []
    const wrong = await open({ user: 'store', password: 'hunter2', onFault: (error) => faults.push(error) })
    const error: unknown = await wrong.ping().catch((reason: unknown) => reason)
    expect(error).toMatchObject(unavailable)
    expect(faults).toHaveLength(1)
    for (const found of [error, ...faults]) expect(describe(found)).not.toContain('hunter2')
  })

  test('rediss:// with a certificate authority of its own', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hindsight-redis-tls-'))
    try {
      const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
      const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
      const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
      execFileSync('openssl', [...request, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' })
      const tlsPort = (await freePort()).toString()
      redis = await startTestRedis({
        args: [
          '--tls-port',
          tlsPort,
          '--tls-cert-file',
          cert,
          '--tls-key-file',
          key,
          '--tls-ca-cert-file',
          cert,
          '--tls-auth-clients',
          'no',
        ],
      })
      const url = `rediss://127.0.0.1:${tlsPort}`
      const trusted = await open({ url, ca: await readFile(cert, 'utf8'), writer: true })
      await trusted.commit([{ partition: 0, values: new Map([['a', Uint8Array.of(1)]]), applied: at(1) }])
      expect((await trusted.read(keys)).applied).toEqual(at(1))
      await expect((await open({ url })).read(keys)).rejects.toMatchObject(unavailable)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })
})

/** A text of everything that a log line may print of an error. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return [error.message, error.stack, JSON.stringify(error), error.cause === undefined ? '' : describe(error.cause)].join('\n')
}
