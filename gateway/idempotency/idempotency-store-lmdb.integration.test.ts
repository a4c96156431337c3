import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeIdempotencyStore } from './idempotency-store.contract.ts'
import { openLmdbIdempotencyStore } from './idempotency-store-lmdb.ts'

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
