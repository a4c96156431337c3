import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { onlineStoreContract } from './online-store.contract.ts'
import { openLmdbOnlineStore } from './online-store-lmdb.ts'

let root: string
let stores = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hindsight-online-store-'))
})
afterAll(async () => {
  await rm(root, { recursive: true, force: true })
})

onlineStoreContract('the online store in LMDB', async () => openLmdbOnlineStore({ dir: join(root, `contract-${stores++}`) }))

test('a reader that starts first finds the store as soon as it is there', async () => {
  const dir = join(root, 'late')
  const reader = openLmdbOnlineStore({ dir, readOnly: true })
  await expect(reader.read([{ partition: 0, key: 'a' }])).rejects.toMatchObject({ code: 'online_store_unavailable', retryable: true })
  await expect(reader.ping()).rejects.toMatchObject({ code: 'online_store_unavailable' })
  const writer = openLmdbOnlineStore({ dir })
  await writer.commit([{ partition: 0, values: new Map([['a', Uint8Array.of(1)]]), applied: [] }])
  expect([...((await reader.read([{ partition: 0, key: 'a' }])).values[0] ?? [])]).toEqual([1])
  await reader.close()
  await writer.close()
})

test('another process sees each commit whole, and a kill in the middle loses none that was said to be there', async () => {
  const dir = join(root, 'killed')
  const reader = openLmdbOnlineStore({ dir, readOnly: true })
  let confirmed = 0
  for (let round = 0; round < 4; round++) {
    const child = startWriter(dir)
    child.on('message', (generation) => (confirmed = Number(generation)))
    await once(child, 'message')
    const stopAt = confirmed + 20
    let seen = 0
    while (confirmed < stopAt) {
      seen = Math.max(seen, await generationOf(reader))
      await new Promise(setImmediate)
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(seen).toBeGreaterThan(0)
    expect(await generationOf(reader)).toBeGreaterThanOrEqual(confirmed)
  }
  await reader.close()
})

function startWriter(dir: string): ChildProcess {
  return fork(fileURLToPath(new URL('./testing/writer-lmdb.ts', import.meta.url)), [dir], { execArgv: ['--import=#typescript'] })
}

/** The one generation that values of all partitions and their positions show in a single read. */
async function generationOf(store: ReturnType<typeof openLmdbOnlineStore>): Promise<number> {
  const keys = Array.from({ length: 64 }, (_, partition) => ({ partition, key: `key ${partition % 4}` }))
  const { values, applied } = await store.read(keys)
  const generations = new Set(values.flatMap((value) => [...new Float64Array(Uint8Array.from(value ?? []).buffer)]))
  for (const { seq } of applied) generations.add(seq)
  expect(generations.size).toBe(1)
  return [...generations][0] as number
}
