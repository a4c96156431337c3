/** Lets one waiter sleep until it is rung for. A ring that nobody waits for is lost. */
export type Bell = {
  ring(): void
  /** Resolves at the next ring, after so many milliseconds, or when the signal aborts. */
  wait(atMostMs: number, signal?: AbortSignal): Promise<void>
}

export function createBell(): Bell {
  let wake: () => void = () => undefined
  return {
    ring: () => wake(),
    wait(atMostMs, signal) {
      if (signal?.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', end)
          resolve()
        }
        const timer = setTimeout(end, atMostMs)
        signal?.addEventListener('abort', end)
        wake = end
      })
    },
  }
}
