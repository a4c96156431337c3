import { errorCodes, ServiceError } from '../../contracts/errors.ts'
import { isRefusal } from './assemble.ts'
import type { Background } from './background.ts'
import type { Pipeline } from './pipeline.ts'
import type { Routed } from './routing.ts'
import { toShadow, type Work } from './work.ts'

/** How many shadow runs may be under way, and the milliseconds that one may take. */
export type ShadowLimits = { shadows: number; shadowDeadlineMs: number }

export type ShadowDeps = {
  pipeline: Pipeline
  background: Background
  /** UUIDv7. */
  newId: () => string
  /** Monotonic milliseconds. */
  tick: () => number
  limits: ShadowLimits
}

/** A turn of the event loop lets through at most this part of the shadows that wait. */
const shareOfTurn = 1 / 16

/**
 * Runs the shadows of a request that is settled. They are in nobody's way: they wait until what this turn of the event loop has
 * answered is sent, go a few at a time in the order that they came in, and of too many at once the last are recorded as `overloaded`.
 */
export function createShadows(deps: ShadowDeps): (work: Work, error: Error | undefined) => void {
  const { pipeline, background, limits, tick, newId } = deps
  let underWay = 0
  let waiting: (() => void)[] = []

  function turn(): void {
    const count = Math.ceil(waiting.length * shareOfTurn)
    const now = waiting.slice(0, count)
    waiting = waiting.slice(count)
    for (const start of now) start()
    if (waiting.length > 0) setImmediate(turn)
  }

  function run(work: Work, routed: Routed): void {
    const isFree = underWay < limits.shadows
    underWay++
    const release = work.model.uses.hold()
    const ended = new Promise<void>((resolve, reject) => {
      if (waiting.length === 0) setImmediate(turn)
      waiting.push(() => {
        const settle = (error?: Error) => (error === undefined ? resolve() : reject(error))
        const ids = work.instances.map(() => newId())
        const shadow = toShadow(work, { routed, ids, workBy: tick() + limits.shadowDeadlineMs, settle })
        if (isFree) pipeline.submitShadow(shadow)
        else pipeline.refuse(shadow, new ServiceError('overloaded', 'too many shadow runs are under way'))
      })
    })
    background.run('a shadow', () =>
      ended.finally(() => {
        underWay--
        release()
      }),
    )
  }

  return (work, error) => {
    if (leftAnEvent(error)) for (const routed of work.shadows) run(work, routed)
  }
}

/** A request that left no event has no shadows. */
function leftAnEvent(error: Error | undefined): boolean {
  return error === undefined || (error instanceof ServiceError && !isRefusal(error) && errorCodes[error.code].status !== 503)
}
