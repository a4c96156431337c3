import { openLmdbOnlineStore } from '../online-store-lmdb.ts'
import { partitionCount } from '../online-store.ts'

/** Commits generations for ever, every value and position of one alike, and says each one that is on disk. */
const store = openLmdbOnlineStore({ dir: process.argv[2] as string })
const [start] = (await store.applied()).map((position) => position.seq)
for (let generation = (start ?? 0) + 1; ; generation++) {
  const value = new Uint8Array(new Float64Array(600).fill(generation).buffer)
  const values = new Map(Array.from({ length: 4 }, (_, index) => [`key ${index}`, value]))
  const applied = [{ writer_id: 'writer', epoch: 1, seq: generation }]
  await store.commit(Array.from({ length: partitionCount }, (_, partition) => ({ partition, values, applied })))
  process.send?.(generation)
}
