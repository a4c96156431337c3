import { ServiceError, underPath } from '../../contracts/errors.ts'
import type { Deadline } from '../bounds/deadlines.ts'
import type { CommitTime } from '../bounds/commit-time.ts'
import { type Fallback, fallbackOf, fallbackReserveMs, type RunEstimate } from './fallback.ts'
import { toInstance } from './instance.ts'
import type { Execution, Instance, Predicted, PredictInput, SeenFeatures, StoreRead } from './prediction.ts'
import { type AskedIds, questionOf } from './question.ts'
import { routeRequest, type Routed } from './routing.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'
import type { ServingModel } from './serving-model.ts'
import type { AssembledRow } from './assemble.ts'

/** Instances of a request that one version answers. */
export type Group = { routed: Routed; instances: readonly Instance[]; fallback: Fallback | undefined }

/** Some instances of a group that go through the stages together, so few that a request of a thousand is not everybody's turn. */
export type Part = {
  work: Work
  group: Group
  /** The version that runs it: the group's own, or the one that stands in. */
  routed: Routed
  instances: readonly Instance[]
  /** Whether the version rests on what the store says, for any of these. */
  needsStore: boolean
  /** The moment at which the part was to be assembled, on the monotonic clock; `featuresUs` is how long that took, with what it waited for. */
  startedTick: number
  featuresUs: number | undefined
  assembled: readonly AssembledRow[]
  /** The store's answer that the part was assembled from. */
  seen: SeenFeatures | undefined
  /** Gives up the run that the part is in; undefined while it is in none. */
  leaveRun: ((reason: ServiceError) => void) | undefined
  execution: Execution | undefined
}

/**
 * The moments by which steps must be over, on the monotonic clock: `workBy` all that the version needs, `standInBy` the answer in
 * its place, `answerBy` the whole answer. The time between the last two is kept for making the events durable.
 */
export type Marks = { workBy: number; standInBy: number; answerBy: number }

/** The step that a work waits for. */
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
  /** Whether nobody waits for it. */
  background: boolean
  marks: Marks
  /** The moment until which the store may take, within the time that is left when it is asked. */
  readBy: number
  deadline: Deadline | undefined
  stage: Stage
  /** The read of the store that all work of one turn shares. */
  read: StoreRead
  parts: Part[]
  /** How many parts have no execution yet. */
  open: number
  /** The predictions, once all parts have their execution. */
  predicted: readonly Predicted[]
  /** Called once, at the end. Without an error, the predictions are durable. */
  settle(error: Error | undefined): void
}

/** Stands for an answer of the store without values: nothing was asked of it, or it held nothing. */
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

/** A shadow of the work: the same instances once more, by a version that only watches; it sees what the answer saw. */
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
      if (input.requestIdGiven) instance.question = questionOf(deps, instance, { model: definition.name, requestId: input.requestId, sent })
      return instance
    } catch (error) {
      throw input.batch && error instanceof ServiceError ? underPath(error, `instances[${index}]`) : error
    }
  })
}

/** A caller may shorten the model's budget, never lengthen it. */
export function budgetMs(model: ServingModel, { options }: PredictInput): number {
  return Math.min(model.definition.latency_budget_ms, options.timeout_ms ?? Infinity)
}

/** The tick until which a request is answered. */
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
