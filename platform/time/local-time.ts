import { offsetMs } from './time-zone.ts'

const dayMs = 86_400_000

/**
 * The instant of a wall-clock time, itself given as if it were UTC. A time that the clock skips takes the offset
 * before the change; of a time that it shows twice this is the first. Both are what Temporal calls "compatible".
 *
 * @example
 * ```ts
 * import { toUtcMs } from './local-time.ts'
 *
 * new Date(toUtcMs('America/New_York', Date.UTC(2001, 5, 4, 12))).toISOString() // => '2001-06-04T16:00:00.000Z'
 * ```
 */
export function toUtcMs(timeZone: string, localMs: number): number {
  const before = offsetMs(timeZone, localMs - dayMs)
  const after = offsetMs(timeZone, localMs + dayMs)
  if (before === after) return localMs - before
  const instants = [localMs - before, localMs - after].filter((instant) => instant + offsetMs(timeZone, instant) === localMs)
  return instants.length === 0 ? localMs - before : Math.min(...instants)
}
