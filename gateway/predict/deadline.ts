import { ServiceError } from '../../contracts/errors.ts'

/**
 * The one deadline of a request, from arrival to answer. Its last part is kept for making the event durable: what the
 * answer rests on must be there by `workByMs`, and an answer, whatever it says, by `atMs`. Both are Unix milliseconds.
 */
export type Deadline = {
  readonly atMs: number
  readonly workByMs: number
  /** Aborts with a `ServiceError`: `deadline_exceeded` at `workByMs`, or `cancelled` when the client hangs up before. */
  readonly signal: AbortSignal
  /** The promise's result, or the signal's reason if that comes first; the work itself goes on. */
  race<T>(work: Promise<T>): Promise<T>
  /** The promise's result, or `deadline_exceeded` if it takes beyond `atMs`; the work itself goes on. */
  raceEnd<T>(work: Promise<T>): Promise<T>
  /** To be called once the request is settled. */
  clear(): void
}

export function createDeadline(options: {
  now: () => number
  atMs: number
  reserveMs?: number
  hungUp?: AbortSignal | undefined
}): Deadline {
  const { now, atMs, reserveMs = 0, hungUp } = options
  const workByMs = atMs - reserveMs
  const controller = new AbortController()
  const { signal } = controller
  let end: () => void = () => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  signal.addEventListener('abort', end, { once: true })
  const cancel = () => controller.abort(new ServiceError('cancelled', 'the client hung up'))
  if (hungUp?.aborted === true) cancel()
  hungUp?.addEventListener('abort', cancel, { once: true })
  let timer = setTimeout(() => controller.abort(exceeded()), Math.max(0, workByMs - now()))

  return {
    atMs,
    workByMs,
    signal,
    race: (work) => Promise.race([work, ended.then(() => Promise.reject(signal.reason as Error))]),
    raceEnd(work) {
      clearTimeout(timer)
      const over = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(exceeded()), Math.max(0, atMs - now()))
      })
      return Promise.race([work, over])
    },
    clear() {
      clearTimeout(timer)
      hungUp?.removeEventListener('abort', cancel)
    },
  }
}

function exceeded(): ServiceError {
  return new ServiceError('deadline_exceeded', 'the latency budget ran out')
}
