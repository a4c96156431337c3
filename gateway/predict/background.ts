import type { Logger } from 'pino'

/** Work that no answer waits for, but a drain does. */
export type Background = {
  run(what: string, work: () => Promise<void>): void
  readonly size: number
  /** Resolves when nothing is under way any more. */
  settled(): Promise<void>
}

export function createBackground(logger: Logger): Background {
  const underWay = new Set<Promise<void>>()
  return {
    run(what, work) {
      const promise = work()
        .catch((error: unknown) => logger.error({ err: error }, `${what} failed`))
        .finally(() => underWay.delete(promise))
      underWay.add(promise)
    },
    get size() {
      return underWay.size
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}
