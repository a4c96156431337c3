export type StopSignal = {
  signal: AbortSignal
  /** Resolves when SIGINT or SIGTERM has come. */
  requested: Promise<void>
  /** Called when the person asks again, well after the first time. */
  onInsist(action: () => void): void
  dispose(): void
}

// The terminal signals the whole group and npm passes its own copy on: two within moments are one Ctrl-C.
const sameRequestMs = 1500

/** Turns SIGINT and SIGTERM into a request to drain. */
export function createStopSignal(): StopSignal {
  const controller = new AbortController()
  let firstAtMs: number | undefined
  let insist: () => void = () => undefined
  const requested = new Promise<void>((done) => controller.signal.addEventListener('abort', () => done(), { once: true }))
  const onSignal = () => {
    firstAtMs ??= Date.now()
    if (Date.now() - firstAtMs > sameRequestMs) insist()
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    requested,
    onInsist: (action) => {
      insist = action
    },
    dispose: () => {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
