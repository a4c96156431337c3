import { ServiceError } from '../../contracts/errors.ts'
import type { AppliedPosition } from '../../contracts/origin.ts'
import { type OnlineStore, partitionCount, type StoreKey } from '../../platform/online-store/online-store.ts'
import { createMemoryOnlineStore } from '../../platform/online-store/testing/memory-online-store.ts'

/** An online store in memory that ignores partitions. `break()` makes reads fail, `hang()` leaves them without an answer. */
export function createFailingOnlineStore() {
  const memory = createMemoryOnlineStore()
  const reads: StoreKey[][] = []
  let broken = false
  let hanging = false

  const store: OnlineStore = {
    ...memory,
    async read(keys) {
      if (broken) throw new ServiceError('online_store_unavailable', 'no answer')
      reads.push([...keys])
      if (hanging) return new Promise(() => {})
      return { values: (await memory.read(keys.map(({ key }) => ({ partition: 0, key })))).values, applied: await memory.applied() }
    },
  }
  return {
    store,
    reads,
    put(key: string, text: string) {
      void memory.commit([{ partition: 0, values: new Map([[key, new TextEncoder().encode(text)]]), applied: [] }])
    },
    setApplied(applied: AppliedPosition[]) {
      void memory.commit(Array.from({ length: partitionCount }, (_, partition) => ({ partition, values: new Map(), applied })))
    },
    break: () => void (broken = true),
    hang: () => void (hanging = true),
  }
}
