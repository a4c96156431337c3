import type { Logger } from 'pino'
import { createFaultLog } from '../../platform/service/fault-log.ts'

/** Work that no answer waits for, but a drain does. */
export type Background = {
  /** `what` is one of few names of work, whose faults are logged together. */
  run(what: string, work: () => Promise<void>): void
  readonly size: number
  /** Resolves when nothing is under way any more. */
  settled(): Promise<void>
}

export function createBackground(logger: Logger): Background {
  const underWay = new Set<Promise<void>>()
  const faultLogs = new Map<string, (error: unknown) => void>()

  /** A full disk fails every shadow of a second: one line says it. */
  function faultLogOf(what: string): (error: unknown) => void {
    const known = faultLogs.get(what) ?? createFaultLog(logger, `${what} failed`, { level: 'error' })
    faultLogs.set(what, known)
    return known
  }

  return {
    run(what, work) {
      const promise = work()
        .catch(faultLogOf(what))
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
