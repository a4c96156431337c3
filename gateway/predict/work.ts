import { ServiceError, underPath } from '../../contracts/errors.ts'
import type { Deadline } from '../bounds/deadlines.ts'
import type { CommitTime } from '../bounds/commit-time.ts'
import { type Fallback, fallbackOf, fallbackReserveMs, type RunEstimate } from './fallback.ts'
import { toInstance } from './instance.ts'
import type { Execution, Instance, Predicted, PredictInput, SeenFeatures, StoreRead } from './prediction.ts'
import { type AskedIds, withQuestion } from './question.ts'
import { routeRequest, type Routed } from './routing.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import type { ServingModel } from './serving-model.ts'
import type { AssembledRow } from './assemble.ts'

/** Instances of a request that one version answers. */
export type Group = { routed: Routed; instances: readonly Instance[]; fallback: Fallback | undefined }

/** So many of a group's instances at most that go through the stages together, so that a request of a thousand is not everybody's turn. */
export type Part = {
  work: Work
  group: Group
  /** The group's own, or of the version that stands in. */
  routed: Routed
  instances: readonly Instance[]
  /** Whether the version rests on what the store says, for any of these. */
  needsStore: boolean
  /** When it was to be assembled, on the monotonic clock, and the microseconds that it took, what was waited for included. */
  startedTick: number
  featuresUs: number | undefined
  assembled: readonly AssembledRow[]
  /** What it was assembled from. */
  seen: SeenFeatures | undefined
  /** To be called when it does not wait any longer for the run that it is in. */
  leaveRun: ((reason: ServiceError) => void) | undefined
  execution: Execution | undefined
}

/**
 * Until when things may take, on the monotonic clock: `workBy` whatever the version needs, `standInBy` what answers in its place,
 * `answerBy` the answer. What lies between the last two is kept for making the events durable.
 */
export type Marks = { workBy: number; standInBy: number; answerBy: number }

/** What it waits for. */
export type Stage = 'turn' | 'store' | 'model' | 'stand-in' | 'commit' | 'over'

/** A request on its way through the stages, or a shadow of one. */
export type Work = {
  model: ServingModel
  input: PredictInput
  instances: readonly Instance[]
  /** The prediction id of each instance. */
  ids: readonly string[]
  groups: readonly Group[]
  shadows: readonly Routed[]
  /** Nobody waits for it. */
  background: boolean
  marks: Marks
  /** Until when the store may take; a part of the time that is left when it is asked. */
  readBy: number
  deadline: Deadline | undefined
  stage: Stage
  /** The turn's read of the store, for all that came in it. */
  read: StoreRead
  parts: Part[]
  /** Parts whose execution is still to come. */
  open: number
  /** Once all parts have their execution. */
  predicted: readonly Predicted[]
  /** Called once. Without an error, what was predicted is durable. */
  settle(error: Error | undefined): void
}

/** Nothing was asked of the store, or it held nothing. */
export const nothingRead: SeenFeatures = { values: () => undefined, asOf: [], readAtMs: undefined }

export const noRead: StoreRead = { seen: nothingRead }

export type WorkDeps = {
  inference: RunEstimate
  commitTime: CommitTime
  askedIds: AskedIds
  metrics: Pick<GatewayMetrics, 'requestIdReused'>
  /** UUIDv7. */
  newId: () => string
}

/** A request as work. Throws what the request alone decides: a `ServiceError` whose path is inside the request. */
export function toWork(deps: WorkDeps, { model, input }: Pick<Work, 'model' | 'input'>, settle: Work['settle']): Work {
  const instances = toInstances(deps, model, input)
  const { answering, shadows } = routeRequest(model, { pinned: input.options.version, requestId: input.requestId, instances })
  const groups = answering.map(({ routed, instances: own }) => ({ routed, instances: own, fallback: fallbackOf(model, routed) }))
  return {
    model,
    input,
    instances,
    groups,
    shadows,
    settle,
    ids: instances.map(() => deps.newId()),
    background: false,
    marks: marksOf(deps, { model, input, groups }),
    readBy: 0,
    deadline: undefined,
    stage: 'turn',
    read: noRead,
    parts: [],
    open: 0,
    predicted: [],
  }
}

type ShadowOptions = Pick<Work, 'ids' | 'settle'> & { routed: Routed; workBy: number }

/** The same instances once more, by a version that only watches; it sees what the answer saw. */
export function toShadow(work: Work, { routed, ids, workBy, settle }: ShadowOptions): Work {
  return {
    ...work,
    ids,
    groups: [{ routed, instances: work.instances, fallback: undefined }],
    shadows: [],
    background: true,
    marks: { workBy, standInBy: workBy, answerBy: Infinity },
    deadline: undefined,
    stage: 'turn',
    parts: [],
    open: 0,
    settle,
  }
}

function toInstances(deps: WorkDeps, model: ServingModel, input: PredictInput): Instance[] {
  const { definition } = model
  const { tenant, receivedAtMs } = input
  return input.instances.map((sent, index) => {
    try {
      const instance = toInstance({ definition, sent, index, decisionId: deps.newId(), tenant, receivedAtMs, row: input.rows?.[index] })
      return input.requestIdGiven ? withQuestion(deps, instance, { model: definition.name, requestId: input.requestId, sent }) : instance
    } catch (error) {
      throw input.batch && error instanceof ServiceError ? underPath(error, `instances[${index}]`) : error
    }
  })
}

/** A caller may shorten the model's budget, never lengthen it. */
export function budgetMs(model: ServingModel, { options }: PredictInput): number {
  return Math.min(model.definition.latency_budget_ms, options.timeout_ms ?? Infinity)
}

/** Until when a request is answered, on the monotonic clock. */
export function answerByTick(model: ServingModel, input: PredictInput): number {
  return input.receivedTick + budgetMs(model, input)
}

function marksOf(deps: WorkDeps, { model, input, groups }: Pick<Work, 'model' | 'input' | 'groups'>): Marks {
  const budget = budgetMs(model, input)
  const answerBy = answerByTick(model, input)
  const standInBy = answerBy - deps.commitTime.reserveMs(budget)
  let reserveMs = 0
  for (const { fallback, instances } of groups)
    reserveMs = Math.max(reserveMs, fallbackReserveMs(deps.inference, fallback, { rows: instances.length, budgetMs: budget }))
  return { workBy: standInBy - reserveMs, standInBy, answerBy }
}

/** Whether the caller is told of an error instead of predictions: a cause that spared no instance is the request's own. */
export function isRefusedWhole([first, ...others]: readonly Predicted[]): boolean {
  return first?.error !== undefined && others.every(({ error }) => error?.code === first.error?.code)
}

/** The tick at which the work goes on without what it waits for. */
export function markOf({ stage, readBy, marks }: Work): number {
  if (stage === 'store') return readBy
  if (stage === 'stand-in') return marks.standInBy
  return stage === 'commit' ? marks.answerBy : marks.workBy
}
