import { errorCodes, ServiceError } from '../../contracts/errors.ts'
import type { PredictionEvent } from '../../contracts/prediction-event.ts'
import type { EventLogWriter } from '../../platform/event-log/event-log.ts'
import type { OnlineStore } from '../../platform/online-store/online-store.ts'
import { toServiceError } from '../http/errors.ts'
import type { InferenceEngine } from '../inference/inference.ts'
import type { GatewayMetrics } from '../metrics.ts'
import type { Background } from './background.ts'
import { createDeadline, type Deadline } from './deadline.ts'
import { toLogRecord, toPredictionEvent } from './event.ts'
import { type Instance, toInstance } from './instance.ts'
import { type ParsedPredict, withinInstance } from './request.ts'
import { type Routed, routeRequest } from './routing.ts'
import { failAll, type InstanceResult, isRefusal, runVersion, type SeenFeatures, type VersionRun } from './run-version.ts'
import type { ServingModel } from './serving-model.ts'
import { nothingRead, readOnce } from './store-read.ts'

export type PredictorDeps = {
  eventLog: EventLogWriter
  store: OnlineStore
  inference: InferenceEngine
  metrics: GatewayMetrics
  background: Background
  now: () => number
  tick: () => number
  /** UUIDv7. */
  newId: () => string
  limits: { shadows: number; shadowDeadlineMs: number; timeoutMs: number }
}

export type PredictInput = ParsedPredict & { requestId: string; receivedAtMs: number }

/** One instance's event, durable, and its error if it has one. */
export type Predicted = { event: PredictionEvent; error: ServiceError | undefined }

type Work = { model: ServingModel; input: PredictInput; instances: Instance[] }

/**
 * Answers a predict request: each instance's event is durable when the promise resolves. Rejects when the request
 * itself is at fault, or when nothing of it could be answered in time.
 */
export function createPredictor(deps: PredictorDeps) {
  return async function predict(model: ServingModel, input: PredictInput): Promise<Predicted[]> {
    const work = { model, input, instances: toInstances(deps, model, input) }
    const { answering, shadows } = routeRequest(model, input.options.version)
    const deadline = createDeadline({ now: deps.now, atMs: input.receivedAtMs + budgetMs(deps, model, input) })
    try {
      const read = readOnce(deps, [answering, ...shadows], work.instances)
      const answer = answerBy({ deps, work, routed: answering, read, deadline })
      watch({ deps, work, shadows, read, after: answer })
      return await answer
    } finally {
      deadline.clear()
    }
  }
}

export type Predictor = ReturnType<typeof createPredictor>

function toInstances(deps: PredictorDeps, model: ServingModel, input: PredictInput): Instance[] {
  const { definition } = model.project
  return input.instances.map((sent, index) => {
    try {
      return toInstance({ definition, sent, index, decisionId: deps.newId(), receivedAtMs: input.receivedAtMs })
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
  const { input } = work
  const ids = work.instances.map(() => deps.newId())
  const run = await execute({ deps, work, routed, read, deadline })
  refuseBadInstances(run.results, input.batch)
  const predicted = toPredicted({ deps, work, routed, run, ids })
  await recordInTime({ deps, routed, predicted, deadline })
  refuseWhenNothingAnswered(predicted)
  return predicted
}

/** A deadline that passes here costs the answer, not the events: they go on to be made durable, and a drain waits for them. */
async function recordInTime(options: {
  deps: PredictorDeps
  routed: Routed
  predicted: readonly Predicted[]
  deadline: Deadline
}): Promise<void> {
  const recorded = record(options.deps, options.routed, options.predicted)
  try {
    await options.deadline.race(recorded)
  } catch (error) {
    options.deps.background.run('recording an unanswered request', () => recorded)
    throw error
  }
}

type Execution = VersionRun & { seen: SeenFeatures | undefined }

/** The version's results; running out of time is a result of every instance. A store that fails rejects: nothing was seen. */
async function execute({ deps, work, routed, read, deadline }: Answer): Promise<Execution> {
  const { instances } = work
  const startedTick = deps.tick()
  const needsStore = instances.some((instance) => routed.serving.features.keysOf(instance).length > 0)
  try {
    const seen = needsStore ? await deadline.race(read) : nothingRead
    const run = await runVersion(deps, { serving: routed.serving, instances, seen, deadline, startedTick })
    return { ...run, seen }
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'deadline_exceeded')
      return { results: failAll(instances, error), durationUs: {}, seen: undefined }
    throw error
  }
}

/** What the request alone decides refuses the whole, and nothing is written. */
function refuseBadInstances(results: readonly InstanceResult[], batch: boolean): void {
  const bad = results.find(({ error }) => error !== undefined && isRefusal(error))
  if (bad?.error !== undefined) throw batch ? withinInstance(bad.error, bad.instance.index) : bad.error
}

/** A cause that spared no instance is the request's own. */
function refuseWhenNothingAnswered(predicted: readonly Predicted[]): void {
  const [first, ...others] = predicted
  if (first?.error !== undefined && others.every(({ error }) => error?.code === first.error?.code)) throw first.error
}

function toPredicted(options: { deps: PredictorDeps; work: Work; routed: Routed; run: Execution; ids: readonly string[] }): Predicted[] {
  const { deps, work, routed, run, ids } = options
  const context = {
    routed,
    requestId: work.input.requestId,
    receivedAtMs: work.input.receivedAtMs,
    predictedAtMs: deps.now(),
    seen: run.seen,
    durationUs: run.durationUs,
  }
  return run.results.map((result, position) => ({
    event: toPredictionEvent(context, result, ids[position] ?? deps.newId()),
    error: result.error,
  }))
}

async function record(deps: PredictorDeps, routed: Routed, predicted: readonly Predicted[]): Promise<void> {
  const { definition } = routed.serving.model
  const { version } = routed.serving.version
  const startedTick = deps.tick()
  await deps.eventLog.append(
    'predictions',
    predicted.map(({ event }) => toLogRecord(event)),
    { durability: definition.durability },
  )
  const labels = { model: definition.name, version }
  deps.metrics.stage({ ...labels, stage: 'outbox' }, deps.tick() - startedTick)
  countPredictions(deps.metrics, predicted)
}

function countPredictions(metrics: GatewayMetrics, predicted: readonly Predicted[]): void {
  const event = predicted[0]?.event
  if (event === undefined) return
  for (const stage of ['features', 'queue', 'inference'] as const) {
    const us = event.duration_us[stage]
    if (us !== undefined) metrics.stage({ model: event.model, version: event.model_version, stage }, us / 1000)
  }
  const counts = new Map<string, number>()
  for (const { error } of predicted) counts.set(error?.code ?? '', (counts.get(error?.code ?? '') ?? 0) + 1)
  for (const [code, count] of counts) {
    const status = code === '' ? 'ok' : 'error'
    metrics.prediction({ model: event.model, version: event.model_version, route: event.route, status, code }, count)
  }
}

type Watch = { deps: PredictorDeps; work: Work; shadows: readonly Routed[]; read: Promise<SeenFeatures>; after: Promise<unknown> }

/** Shadows run when the answer is settled, so that they are never ahead of it; a request that left no event has none. */
function watch({ deps, work, shadows, read, after }: Watch): void {
  read.catch(() => {})
  for (const routed of shadows) {
    const free = deps.background.size < deps.limits.shadows
    deps.background.run('a shadow', async () => {
      if (!(await isRecorded(after))) return
      const run = free ? await shadowRun({ deps, work, routed, read }) : overloadedRun(work)
      await record(deps, routed, toPredicted({ deps, work, routed, run, ids: [] }))
    })
  }
}

async function isRecorded(answer: Promise<unknown>): Promise<boolean> {
  return answer.then(
    () => true,
    (error: unknown) => error instanceof ServiceError && !isRefusal(error) && errorCodes[error.code].status !== 503,
  )
}

async function shadowRun(options: Omit<Answer, 'deadline'>): Promise<Execution> {
  const { deps, work } = options
  const deadline = createDeadline({ now: deps.now, atMs: deps.now() + deps.limits.shadowDeadlineMs })
  try {
    return await execute({ ...options, deadline })
  } catch (error) {
    return { results: failAll(work.instances, toServiceError(error)), durationUs: {}, seen: undefined }
  } finally {
    deadline.clear()
  }
}

function overloadedRun(work: Work): Execution {
  const error = new ServiceError('overloaded', 'too many shadow runs are under way')
  return { results: failAll(work.instances, error), durationUs: {}, seen: undefined }
}
