import { EngineError } from './engine/engine-error.ts'

/** Whether the warehouse has what its readers read. Once it has, it stays so. */
export type Readiness = {
  isReady(): Promise<boolean>
  /** Throws NOT_INITIALIZED, which is 503 with Retry-After. */
  require(): Promise<void>
}

/** Asks `look` again, at most once at a time, until it says yes. A failed look is no. */
export function createReadiness(look: () => Promise<boolean>): Readiness {
  let ready = false
  let looking: Promise<boolean> | undefined

  async function lookOnce(): Promise<boolean> {
    try {
      ready = await look()
    } catch {
      // A look that fails says nothing: the warehouse stays not ready, and the next request looks again.
    } finally {
      looking = undefined
    }
    return ready
  }

  async function isReady(): Promise<boolean> {
    if (ready) return true
    looking ??= lookOnce()
    return await looking
  }
  return {
    isReady,
    async require() {
      if (await isReady()) return
      throw new EngineError(667, 'NOT_INITIALIZED', 'The warehouse is not ready for readers: its tables are still being made')
    },
  }
}
