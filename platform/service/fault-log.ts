import type { Logger } from 'pino'

/** The time within which a fault is logged once: hundreds of publishes may fail of one cause. */
const everyMs = 1_000

/** Logs faults that may come by the hundred, without flooding the log with one of them: as warnings where they are waited out. */
export function createFaultLog<Level extends 'warn' | 'error' = 'warn'>(
  logger: Pick<Logger, Level>,
  message: string,
  { level = 'warn' as Level, now = () => performance.now() }: { level?: Level; now?: () => number } = {},
) {
  const seen = new Map<string, { atMs: number; repeated: number }>()
  return (error: unknown): void => {
    const name = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    const last = seen.get(name)
    if (last !== undefined && now() - last.atMs < everyMs) {
      last.repeated += 1
      return
    }
    logger[level]({ err: error, ...(last?.repeated && { repeated: last.repeated }) }, message)
    if (seen.size > 100) seen.clear()
    seen.set(name, { atMs: now(), repeated: 0 })
  }
}
