import { setMaxListeners } from 'node:events'

export type StopSignal = {
  signal: AbortSignal
  /** Resolves when SIGINT, SIGTERM or, from a terminal that closes, SIGHUP has come. */
  requested: Promise<void>
  /** Called when the person asks again, well after the first time. */
  onInsist(action: () => void): void
  dispose(): void
}

// The terminal signals the whole group and npm passes its own copy on: two within moments are one Ctrl-C.
const sameRequestMs = 1500

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Turns the signals that ask for an end into a request to drain. */
export function createStopSignal(): StopSignal {
  const controller = new AbortController()
  // Every request under way listens to the signal, so that many listeners are no leak.
  setMaxListeners(0, controller.signal)
  let firstAtMs: number | undefined
  let insist: () => void = () => undefined
  const requested = new Promise<void>((done) => controller.signal.addEventListener('abort', () => done(), { once: true }))
  const onSignal = () => {
    firstAtMs ??= Date.now()
    if (Date.now() - firstAtMs > sameRequestMs) insist()
    controller.abort()
  }
  for (const signal of signals) process.on(signal, onSignal)
  return {
    signal: controller.signal,
    requested,
    onInsist: (action) => {
      insist = action
    },
    dispose: () => {
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}
