import { ServiceError } from '../../contracts/errors.ts'
import { pause } from './pause.ts'

/** The pauses between attempts, which double from the first to the longest. */
export type BackOff = { firstMs: number; mostMs: number }

export type RetryOptions = {
  backOff: BackOff
  /** How many attempts are made in all. Default: as many as it takes. */
  attempts?: number
  /** Whether another attempt may help. Default: where the error says so itself. */
  isWorth?: (error: unknown) => boolean
  onRetry?: (failure: { attempt: number; pauseMs: number; error: unknown }) => void
  /** Ends the pause, and with it the attempts. */
  signal?: AbortSignal
}

/** The pause after an attempt that failed; attempts count from 1. */
export function backOffMs(attempt: number, { firstMs, mostMs }: BackOff): number {
  return Math.min(mostMs, firstMs * 2 ** (attempt - 1))
}

/**
 * The action's result, however many attempts it takes. Rejects with the last error where another attempt is of no use, or
 * none may be made.
 *
 * @example
 * ```ts
 * import { ServiceError } from '../../contracts/errors.ts'
 * import { retry } from './retry.ts'
 *
 * let asked = 0
 * const ask = async () => {
 *   asked += 1
 *   if (asked < 3) throw new ServiceError('warehouse_unavailable', 'It does not answer.')
 *   return 'an answer'
 * }
 * await retry(ask, { backOff: { firstMs: 1, mostMs: 5 }, attempts: 10 }) // => 'an answer'
 * ```
 */
export async function retry<T>(action: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { backOff, attempts = Infinity, isWorth = isRetryable, onRetry, signal } = options
  for (let attempt = 1; ; attempt++) {
    try {
      return await action()
    } catch (error) {
      if (attempt >= attempts || signal?.aborted || !isWorth(error)) throw error
      const pauseMs = backOffMs(attempt, backOff)
      onRetry?.({ attempt, pauseMs, error })
      await pause(pauseMs, signal)
      if (signal?.aborted) throw error
    }
  }
}

export function isRetryable(error: unknown): boolean {
  return error instanceof ServiceError && error.retryable
}
