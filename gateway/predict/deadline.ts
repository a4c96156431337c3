import { ServiceError } from '../../contracts/errors.ts'
import type { OnHangUp } from '../fates/hang-up.ts'
import { type Cancellation, createCancellation } from '../bounds/cancellation.ts'

/**
 * The one deadline of a request, from arrival to answer. Its last part is kept for making the event durable: what the
 * answer rests on must be there by `workByMs`, and an answer, whatever it says, by `atMs`. Both are Unix milliseconds.
 */
export type Deadline = {
  readonly atMs: number
  readonly workByMs: number
  /** Comes with a `ServiceError`: `deadline_exceeded` at `workByMs`, or `cancelled` when the client hangs up before. */
  readonly cancellation: Cancellation
  /** The promise's result, or the cancellation's reason if that comes first; the work itself goes on. */
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
  onHangUp?: OnHangUp | undefined
}): Deadline {
  const { now, atMs, reserveMs = 0, onHangUp } = options
  const workByMs = atMs - reserveMs
  const cancellation = createCancellation()
  onHangUp?.(() => cancellation.cancel(new ServiceError('cancelled', 'the client hung up')))
  let timer = setTimeout(() => cancellation.cancel(exceeded()), Math.max(0, workByMs - now()))

  return {
    atMs,
    workByMs,
    cancellation,
    race: (work) =>
      new Promise((resolve, reject) => {
        cancellation.onCancel(reject)
        work.then(resolve, reject)
      }),
    raceEnd(work) {
      clearTimeout(timer)
      return new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(exceeded()), Math.max(0, atMs - now()))
        work.then(resolve, reject)
      })
    },
    clear: () => clearTimeout(timer),
  }
}

function exceeded(): ServiceError {
  return new ServiceError('deadline_exceeded', 'the latency budget ran out')
}
