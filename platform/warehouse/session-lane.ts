import { EngineError } from './engine-error.ts'

/** A fixed set of sessions of which each request takes one; first come, first served. */
export type Lane<Slot> = {
  slots: readonly Slot[]
  take(signal: AbortSignal): Promise<Slot>
  give(slot: Slot): void
  busy(): number
}

type Waiting<Slot> = { resolve(slot: Slot): void }

export function createLane<Slot>({ name, slots, maxWaiting }: { name: string; slots: readonly Slot[]; maxWaiting: number }): Lane<Slot> {
  const free = [...slots]
  const waiting: Waiting<Slot>[] = []

  function wait(signal: AbortSignal): Promise<Slot> {
    return new Promise((resolve, reject) => {
      const entry: Waiting<Slot> = {
        resolve(slot) {
          signal.removeEventListener('abort', leave)
          resolve(slot)
        },
      }
      function leave(): void {
        waiting.splice(waiting.indexOf(entry), 1)
        reject(new EngineError(394, 'QUERY_WAS_CANCELLED', 'The client went away while the query waited'))
      }
      signal.addEventListener('abort', leave, { once: true })
      waiting.push(entry)
    })
  }

  return {
    slots,
    async take(signal) {
      const slot = free.pop()
      if (slot !== undefined) return slot
      if (signal.aborted) throw new EngineError(394, 'QUERY_WAS_CANCELLED', 'The client went away')
      if (waiting.length >= maxWaiting)
        throw new EngineError(
          202,
          'TOO_MANY_SIMULTANEOUS_QUERIES',
          `Too many simultaneous queries: ${slots.length} run and ${maxWaiting} wait in lane ${name}`,
        )
      return await wait(signal)
    },
    give(slot) {
      const next = waiting.shift()
      if (next === undefined) free.push(slot)
      else next.resolve(slot)
    },
    busy: () => slots.length - free.length,
  }
}
