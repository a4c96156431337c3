import { ServiceError } from '../../contracts/errors.ts'
import type { AppliedPosition } from '../../contracts/origin.ts'
import type { OnlineStore, StoreKey } from '../../platform/online-store/online-store.ts'

/** An online store in memory, for tests. `break()` makes reads fail, `hang()` leaves them without an answer. */
export function createMemoryOnlineStore() {
  const values = new Map<string, Uint8Array>()
  const reads: StoreKey[][] = []
  let applied: AppliedPosition[] = []
  let broken = false
  let hanging = false

  const store: OnlineStore = {
    async read(keys) {
      if (broken) throw new ServiceError('online_store_unavailable', 'no answer')
      reads.push([...keys])
      if (hanging) return new Promise(() => {})
      return { values: keys.map(({ key }) => values.get(key)), applied }
    },
    commit: async () => {},
    applied: async () => applied,
    clear: async () => values.clear(),
    ping: async () => {},
    close: async () => {},
  }
  return {
    store,
    reads,
    put: (key: string, text: string) => void values.set(key, new TextEncoder().encode(text)),
    setApplied: (positions: AppliedPosition[]) => void (applied = positions),
    break: () => void (broken = true),
    hang: () => void (hanging = true),
  }
}
