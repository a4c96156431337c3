/** Waits so long, or until the signal aborts, and throws in neither case. Without `ref`, the wait keeps no process alive. */
export function pause(ms: number, signal?: AbortSignal, { ref = true }: { ref?: boolean } = {}): Promise<void> {
  if (signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms)
    if (!ref) timer.unref()
    signal?.addEventListener('abort', end, { once: true })

    function end(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
  })
}
