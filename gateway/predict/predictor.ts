import { ServiceError } from '../../contracts/errors.ts'
import type { Background } from './background.ts'
import { createDeadline, type Deadline } from './deadline.ts'
import { execute, type ExecuteDeps } from './execute.ts'
import { type Instance, toInstance } from './instance.ts'
import { type Predicted, record, type RecordDeps, toPredicted } from './record.ts'
import { type ParsedPredict, withinInstance } from './request.ts'
import { type Routed, routeRequest } from './routing.ts'
import { type InstanceResult, isRefusal, type SeenFeatures } from './run-version.ts'
import type { SentRow } from './sent-row.ts'
import type { ServingModel } from './serving-model.ts'
import { runShadows, type ShadowLimits } from './shadows.ts'
import { readOnce, type ReadDeps } from './store-read.ts'

export type PredictorDeps = ExecuteDeps &
  RecordDeps &
  ReadDeps & {
    background: Background
    /** UUIDv7. */
    newId: () => string
    limits: ShadowLimits & { timeoutMs: number }
  }

/** A predict request that is validated and has its id. `receivedAtMs` is Unix time; `rows`, one per instance, are what was sent as tensors. */
export type PredictInput = ParsedPredict & { requestId: string; tenant: string; receivedAtMs: number; rows?: readonly SentRow[] }

/** A request on its way: what it asked, and its accepted instances. */
export type Work = { input: PredictInput; instances: Instance[] }

/**
 * Answers a predict request: each instance's event is durable when the promise resolves. Rejects when the request
 * itself is at fault, or when nothing of it could be answered in time.
 */
export function createPredictor(deps: PredictorDeps) {
  return async function predict(model: ServingModel, input: PredictInput): Promise<Predicted[]> {
    const work = { input, instances: toInstances(deps, model, input) }
    const { answering, shadows } = routeRequest(model, input.options.version)
    const deadline = createDeadline({ now: deps.now, atMs: input.receivedAtMs + budgetMs(deps, model, input) })
    try {
      const read = readOnce(deps, { routes: [answering, ...shadows], instances: work.instances, answerAtMs: deadline.atMs })
      const answer = answerBy({ deps, work, routed: answering, read, deadline })
      runShadows({ deps, work, shadows, read, after: answer })
      return await answer
    } finally {
      deadline.clear()
    }
  }
}

export type Predictor = ReturnType<typeof createPredictor>

function toInstances(deps: PredictorDeps, model: ServingModel, input: PredictInput): Instance[] {
  const { definition } = model.project
  const { tenant, receivedAtMs } = input
  return input.instances.map((sent, index) => {
    try {
      return toInstance({ definition, sent, index, decisionId: deps.newId(), tenant, receivedAtMs, row: input.rows?.[index] })
    } catch (error) {
      throw input.batch && error instanceof ServiceError ? withinInstance(error, index) : error
    }
  })
}

function budgetMs(deps: PredictorDeps, model: ServingModel, { options }: PredictInput): number {
  return Math.min(options.timeout_ms ?? model.project.definition.latency_budget_ms, deps.limits.timeoutMs)
}

type Answer = { deps: PredictorDeps; work: Work; routed: Routed; read: Promise<SeenFeatures>; deadline: Deadline }

async function answerBy({ deps, work, routed, read, deadline }: Answer): Promise<Predicted[]> {
  const ids = work.instances.map(() => deps.newId())
  const execution = await execute(deps, { routed, instances: work.instances, read, deadline })
  refuseBadInstances(execution.results, work.input.batch)
  refuseWithoutStore(execution.results)
  const predicted = toPredicted(deps, { input: work.input, routed, execution, ids })
  await recordInTime({ deps, routed, predicted, deadline })
  refuseWhenNothingAnswered(predicted)
  return predicted
}

/** What the request alone decides refuses the whole, and nothing is written. */
function refuseBadInstances(results: readonly InstanceResult[], batch: boolean): void {
  const bad = results.find(({ error }) => error !== undefined && isRefusal(error))
  if (bad?.error !== undefined) throw batch ? withinInstance(bad.error, bad.instance.index) : bad.error
}

/** Nothing was seen, and model.yaml wants no answer then: a 503 leaves no event. */
function refuseWithoutStore(results: readonly InstanceResult[]): void {
  const [error, ...others] = results.map((result) => result.error)
  if (error?.code === 'online_store_unavailable' && others.every((other) => other?.code === error.code)) throw error
}

type Recording = { deps: PredictorDeps; routed: Routed; predicted: readonly Predicted[]; deadline: Deadline }

/** A deadline that passes here costs the answer, not the events: they go on to be made durable, and a drain waits for them. */
async function recordInTime({ deps, routed, predicted, deadline }: Recording): Promise<void> {
  const recorded = record(deps, routed, predicted)
  try {
    await deadline.race(recorded)
  } catch (error) {
    deps.background.run('recording an unanswered request', () => recorded)
    throw error
  }
}

/** A cause that spared no instance is the request's own. */
function refuseWhenNothingAnswered(predicted: readonly Predicted[]): void {
  const [first, ...others] = predicted
  if (first?.error !== undefined && others.every(({ error }) => error?.code === first.error?.code)) throw first.error
}
