import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open as openDatabase } from 'lmdb'
import { expect, it } from 'vitest'
import { describeIdempotencyStore } from './idempotency-store.contract.ts'
import { openFirstValues } from './first-values-lmdb.ts'
import { openLmdbIdempotencyStore, sweep } from './idempotency-store-lmdb.ts'

describeIdempotencyStore('the store in LMDB', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-idempotency-'))
  let passedMs = 0
  const open = () => openLmdbIdempotencyStore({ dir, windowMs: 5_000, now: () => Date.now() + passedMs })
  const [store, other] = [open(), open()]
  return {
    store,
    other,
    pass: async (ms) => void (passedMs += ms),
    async close() {
      await Promise.all([store.close(), other.close()])
      await rm(dir, { recursive: true, force: true })
    },
  }
})

it('removes what has expired, and nothing else', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-idempotency-'))
  let nowMs = Date.now()
  const store = openLmdbIdempotencyStore({ dir, windowMs: 5_000, now: () => nowMs })
  const place = (key: string) => ({ tenant: 'default', model: 'm', key })
  const claim = { attempt: 'a', fingerprint: 'f', writerId: 'w', epoch: 1 }
  await store.claim(['old-1', 'old-2', 'kept'].map((key) => ({ place: place(key), claim, holdMs: 1_000 })))
  nowMs += 3_000
  await store.claim([{ place: place('kept'), claim: { ...claim, attempt: 'b' }, holdMs: 1_000 }])
  const db = openDatabase<Uint8Array, string>({ path: dir, encoding: 'binary', noSubdir: false })
  await sweep(db, nowMs + 2_500)
  expect([...db.getKeys({ start: 'k:', end: 'k;' })]).toEqual(['k:default:m:kept'])
  expect([...db.getKeys({ start: 'x:', end: 'x;' })]).toHaveLength(1)
  await Promise.all([store.close(), db.close()])
  await rm(dir, { recursive: true, force: true })
})

it('keeps no more first values than it may, and sweeps out what has expired', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-idempotency-'))
  let nowMs = 1_000
  const root = openDatabase<Uint8Array, string>({ path: dir, encoding: 'binary', noSubdir: false })
  const values = openFirstValues(root, { windowMs: 5_000, now: () => nowMs, most: 3 })
  for (const key of ['a', 'b', 'c', 'd', 'e']) {
    await root.transaction(() => values.keep({ key, value: key }))
    nowMs += 1
  }
  expect(['a', 'b', 'c', 'd', 'e'].map((key) => values.read(key))).toEqual([undefined, undefined, 'c', 'd', 'e'])
  nowMs = 6_003
  await values.sweep()
  nowMs = 1_000
  expect(['c', 'd', 'e'].map((key) => values.read(key))).toEqual([undefined, 'd', 'e'])
  await root.close()
  await rm(dir, { recursive: true, force: true })
})

it('has an error for the one key of many that it cannot read, and for none of the others', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-idempotency-'))
  const db = openDatabase<Uint8Array, string>({ path: dir, encoding: 'binary', noSubdir: false })
  await db.put('k:default:m:b', Buffer.from('text'))
  const store = openLmdbIdempotencyStore({ dir, windowMs: 5_000, now: Date.now })
  const keys = ['a', 'b', 'c'].map((key) => ({ tenant: 'default', model: 'm', key }))
  const claims = keys.map((place) => ({ place, claim: { attempt: 'a', fingerprint: 'f', writerId: 'w', epoch: 1 }, holdMs: 60_000 }))
  const failed = expect.objectContaining({ code: 'idempotency_unavailable' })
  expect(await store.claim(claims)).toEqual([undefined, failed, undefined])
  expect(await store.release(keys.map((place) => ({ place, attempt: 'a' })))).toEqual([undefined, failed, undefined])
  expect(await store.claim([claims[0]!, claims[2]!])).toEqual([undefined, undefined])
  await Promise.all([store.close(), db.close()])
  await rm(dir, { recursive: true, force: true })
})

it('says so when it cannot be opened, and no sooner', async () => {
  const store = openLmdbIdempotencyStore({ dir: '/dev/null/keys', windowMs: 5_000, now: Date.now })
  await expect(store.recoveredEpoch('w')).rejects.toMatchObject({ code: 'idempotency_unavailable' })
  await store.close()
})
