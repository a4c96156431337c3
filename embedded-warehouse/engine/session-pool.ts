import { EngineError } from './engine-error.ts'

/** A fixed set of sessions of which each request takes one; first come, first served. */
export type SessionPool<Slot> = {
  slots: readonly Slot[]
  /** Throws TOO_MANY_SIMULTANEOUS_QUERIES when too many wait already, or when it has waited too long. */
  take(signal: AbortSignal): Promise<Slot>
  give(slot: Slot): void
  busy(): number
  hasFree(): boolean
}

export type SessionPoolOptions<Slot> = {
  name: string
  slots: readonly Slot[]
  maxWaiting: number
  /** The longest wait of a request; without it a request waits until its client goes. */
  maxWaitMs?: number
}

type Waiting<Slot> = { resolve(slot: Slot): void }

export function createSessionPool<Slot>({ name, slots, maxWaiting, maxWaitMs }: SessionPoolOptions<Slot>): SessionPool<Slot> {
  const free = [...slots]
  const waiting: Waiting<Slot>[] = []

  function tooMany(reason: string): EngineError {
    return new EngineError(
      202,
      'TOO_MANY_SIMULTANEOUS_QUERIES',
      `Too many simultaneous queries: pool ${name} runs ${slots.length}, and ${reason}`,
    )
  }

  function wait(signal: AbortSignal): Promise<Slot> {
    return new Promise((resolve, reject) => {
      const entry: Waiting<Slot> = {
        resolve(slot) {
          stopWaiting()
          resolve(slot)
        },
      }
      function stopWaiting(): void {
        clearTimeout(timer)
        signal.removeEventListener('abort', leave)
      }
      function giveUp(error: EngineError): void {
        stopWaiting()
        waiting.splice(waiting.indexOf(entry), 1)
        reject(error)
      }
      const leave = () => giveUp(new EngineError(394, 'QUERY_WAS_CANCELLED', 'The client went away while the query waited'))
      const timer =
        maxWaitMs === undefined ? undefined : setTimeout(() => giveUp(tooMany(`none came free within ${maxWaitMs} ms`)), maxWaitMs)
      signal.addEventListener('abort', leave, { once: true })
      waiting.push(entry)
    })
  }

  return {
    slots,
    async take(signal) {
      if (signal.aborted) throw new EngineError(394, 'QUERY_WAS_CANCELLED', 'The client went away')
      const slot = free.pop()
      if (slot !== undefined) return slot
      if (waiting.length >= maxWaiting) throw tooMany(`${waiting.length} wait already`)
      return await wait(signal)
    },
    give(slot) {
      const next = waiting.shift()
      if (next === undefined) free.push(slot)
      else next.resolve(slot)
    },
    busy: () => slots.length - free.length,
    hasFree: () => free.length > 0,
  }
}
