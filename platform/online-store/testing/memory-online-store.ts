import type { AppliedPosition } from '../../../contracts/origin.ts'
import { partitionCount, type ScannableOnlineStore } from '../online-store.ts'
import { commonPositions, mergePositions } from '../positions.ts'

/** An online store in this process only: for tests and for trying things out. */
export function createMemoryOnlineStore(): ScannableOnlineStore {
  const partitions = Array.from({ length: partitionCount }, () => ({
    values: new Map<string, Uint8Array>(),
    applied: [] as AppliedPosition[],
  }))
  const at = (partition: number) => partitions[partition] as (typeof partitions)[number]
  return {
    async read(keys) {
      const read = [...new Set(keys.map((key) => key.partition))].map((partition) => at(partition).applied)
      return { values: keys.map(({ partition, key }) => at(partition).values.get(key)), applied: commonPositions(read) }
    },
    async commit(commits) {
      for (const { partition, values, applied } of commits) {
        for (const [key, value] of values) {
          if (value === undefined) at(partition).values.delete(key)
          else at(partition).values.set(key, Uint8Array.from(value))
        }
        at(partition).applied = mergePositions(at(partition).applied, applied)
      }
    },
    async applied() {
      return commonPositions(partitions.map((partition) => partition.applied))
    },
    async scan(partition, { after, maxKeys }) {
      const keys = [...at(partition).values.keys()].toSorted().filter((key) => after === undefined || key > after)
      const last = keys[maxKeys - 1]
      return { keys: keys.slice(0, maxKeys), ...(keys.length > maxKeys && last !== undefined ? { next: last } : {}) }
    },
    async clear() {
      for (const partition of partitions) {
        partition.values.clear()
        partition.applied = []
      }
    },
    async ping() {},
    async close() {},
  }
}
