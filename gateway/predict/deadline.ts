import { ServiceError } from '../../contracts/errors.ts'

/** The moment by which a request is answered, whatever it is waiting for. */
export type Deadline = {
  /** Unix milliseconds. */
  readonly atMs: number
  readonly expired: boolean
  /** The promise's result, or `deadline_exceeded` if the deadline comes first; the work itself goes on. */
  race<T>(work: Promise<T>): Promise<T>
  /** To be called once the request is settled. */
  clear(): void
}

export function createDeadline(options: { now: () => number; atMs: number }): Deadline {
  let expired = false
  let expire: (error: ServiceError) => void = () => {}
  const expiry = new Promise<never>((_, reject) => (expire = reject))
  // A request that settles in time leaves nobody waiting for the expiry.
  expiry.catch(() => {})
  const timer = setTimeout(
    () => {
      expired = true
      expire(new ServiceError('deadline_exceeded', 'the latency budget ran out'))
    },
    Math.max(0, options.atMs - options.now()),
  )
  return {
    atMs: options.atMs,
    get expired() {
      return expired
    },
    race: (work) => Promise.race([work, expiry]),
    clear: () => clearTimeout(timer),
  }
}
