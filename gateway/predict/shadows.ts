import { errorCodes, ServiceError, toServiceError } from '../../contracts/errors.ts'
import type { Background } from './background.ts'
import { createDeadline } from './deadline.ts'
import { execute, type ExecuteDeps, type Execution, failedExecution } from './execute.ts'
import { record, type RecordDeps, toPredicted } from './record.ts'
import type { Routed } from './routing.ts'
import { isRefusal, type SeenFeatures } from './run-version.ts'
import type { SpareTurns } from './spare-turns.ts'
import type { Uses } from './uses.ts'
import { type Work } from './prediction.ts'

/** How many shadow runs may be under way, and the milliseconds that one may take. */
export type ShadowLimits = { shadows: number; shadowDeadlineMs: number }

export type ShadowDeps = ExecuteDeps &
  RecordDeps & {
    background: Background
    /** UUIDv7. */
    newId: () => string
    limits: ShadowLimits
    spareTurn: SpareTurns
  }

type ShadowBudget = {
  deps: ShadowDeps
  work: Work
  shadows: readonly Routed[]
  read: Promise<SeenFeatures>
  after: Promise<unknown>
  /** Held until the shadows are recorded. */
  uses: Uses
}

/** Shadows run when the answer is sent, a few at a time, so that they are in nobody's way; a request that left no event has none. */
export function runShadows({ deps, work, shadows, read, after, uses }: ShadowBudget): void {
  // Whoever uses the read handles its failure; a champion without online features does not.
  read.catch(() => {})
  for (const routed of shadows) {
    const free = deps.background.size < deps.limits.shadows
    const release = uses.hold()
    deps.background.run('a shadow', async () => {
      try {
        if (!(await isRecorded(after))) return
        await deps.spareTurn()
        const execution = free ? await runOne(deps, { routed, work, read }) : overloaded(work)
        const ids = work.instances.map(() => deps.newId())
        const { input } = work
        await record(deps, { routed, predicted: toPredicted(deps, { input, routed, execution, ids }), input, reply: undefined })
      } finally {
        release()
      }
    })
  }
}

async function isRecorded(answer: Promise<unknown>): Promise<boolean> {
  return answer.then(
    () => true,
    (error: unknown) => error instanceof ServiceError && !isRefusal(error) && errorCodes[error.code].status !== 503,
  )
}

async function runOne(deps: ShadowDeps, options: { routed: Routed; work: Work; read: Promise<SeenFeatures> }): Promise<Execution> {
  const { routed, work, read } = options
  const deadline = createDeadline({ now: deps.now, atMs: deps.now() + deps.limits.shadowDeadlineMs })
  try {
    return await execute(deps, { routed, instances: work.instances, read, deadline })
  } catch (error) {
    return failedExecution(work.instances, toServiceError(error))
  } finally {
    deadline.clear()
  }
}

function overloaded({ instances }: Work): Execution {
  return failedExecution(instances, new ServiceError('overloaded', 'too many shadow runs are under way'))
}
