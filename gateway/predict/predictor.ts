import { errorCodes, ServiceError, underPath } from '../../contracts/errors.ts'
import { completeGroups, forEach, type Group, groupRequest, runGroup } from './answer-group.ts'
import { type AskedIds, withQuestion } from './question.ts'
import type { CommitTime } from './commit-time.ts'
import { createDeadline, type Deadline } from './deadline.ts'
import { fallbackReserveMs } from './fallback.ts'
import { toInstance } from './instance.ts'
import { type LoopLoad, refuseOverload } from './loop-load.ts'
import { record, toPredicted } from './record.ts'
import type { Routed } from './routing.ts'
import { isRefusal, type SeenFeatures } from './run-version.ts'
import type { ServingModel } from './serving-model.ts'
import { runShadows, type ShadowDeps } from './shadows.ts'
import { readOnce, type ReadDeps } from './store-read.ts'
import { type Commit, type Instance, type InstanceResult, type Predicted, type PredictInput, type Work } from './prediction.ts'

export type PredictorDeps = ShadowDeps &
  ReadDeps & {
    askedIds: AskedIds
    commitTime: CommitTime
    loopLoad: LoopLoad
  }

/**
 * Answers a predict request: each instance's event is durable when the promise resolves. Rejects when the request
 * itself is at fault, or when nothing of it could be answered in time.
 */
export function createPredictor(deps: PredictorDeps) {
  return async function predict(model: ServingModel, input: PredictInput): Promise<Predicted[]> {
    refuseOverload(deps.loopLoad, budgetMs(model, input))
    const work = { input, instances: toInstances(deps, model, input) }
    const asked = { pinned: input.options.version, requestId: input.requestId, instances: work.instances }
    const { groups, shadows, all } = groupRequest(model, asked)
    const deadlines = setDeadlines(deps, { model, work, groups })
    const end = deps.loopLoad.begin()
    try {
      const read = readOnce(deps, { routes: all, instances: work.instances, answerAtMs: deadlines.model.workByMs })
      const answer = answerBy({ deps, work, groups, read, deadlines })
      runShadows({ deps, work, shadows, read, after: answer, uses: model.uses })
      return await answer
    } finally {
      deadlines.model.clear()
      deadlines.answer.clear()
      end()
    }
  }
}

export type Predictor = ReturnType<typeof createPredictor>

function toInstances(deps: PredictorDeps, model: ServingModel, input: PredictInput): Instance[] {
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
function budgetMs(model: ServingModel, { options }: PredictInput): number {
  return Math.min(model.definition.latency_budget_ms, options.timeout_ms ?? Infinity)
}

/** Until when a request is answered, Unix milliseconds. */
export function answerAtMs(model: ServingModel, input: PredictInput): number {
  return input.receivedAtMs + budgetMs(model, input)
}

/** Until when the version may work, and until when whatever answers may. The same unless another version could still answer. */
type Deadlines = { model: Deadline; answer: Deadline }

function setDeadlines(deps: PredictorDeps, request: { model: ServingModel; work: Work; groups: readonly Group[] }): Deadlines {
  const { input } = request.work
  const budget = budgetMs(request.model, input)
  const setDeadline = (reserveMs: number) =>
    createDeadline({ now: deps.now, atMs: input.receivedAtMs + budget, reserveMs, onHangUp: input.onHangUp })
  const commitMs = deps.commitTime.reserveMs(budget)
  const answer = setDeadline(commitMs)
  const reserves = request.groups.map((group) =>
    fallbackReserveMs(deps, group.fallback, { rows: group.instances.length, budgetMs: budget }),
  )
  const fallbackMs = Math.max(...reserves)
  return { answer, model: fallbackMs === 0 ? answer : setDeadline(commitMs + fallbackMs) }
}

type AnswerOptions = {
  deps: PredictorDeps
  work: Work
  groups: readonly Group[]
  read: Promise<SeenFeatures>
  deadlines: Deadlines
}

async function answerBy({ deps, work, groups, read, deadlines }: AnswerOptions): Promise<Predicted[]> {
  const { input } = work
  const ids = work.instances.map(() => deps.newId())
  const executions = await forEach(groups, (group) => runGroup(deps, group, { read, deadline: deadlines.model }))
  refuseBadInstances(joined(executions.map(({ results }) => results)), input.batch)
  const answers = await completeGroups(deps, groups, { executions, read, deadline: deadlines.answer })
  refuseUnserved(joined(answers.map(({ execution }) => execution.results)))
  const predicted = joined(answers.map(({ routed, execution }) => toPredicted(deps, { input, routed, execution, ids })))
  if (answers.length > 1) predicted.sort((a, b) => a.event.index - b.event.index)
  await recordInTime({ deps, input, routed: answers[0]!.routed, predicted, deadline: deadlines.answer })
  countTotal(deps, answers[0]!.routed, input)
  refuseWhenNothingAnswered(predicted)
  return predicted
}

/** All items of the lists, in their order. Nearly always there is one list, which is then not copied. */
function joined<T>(lists: T[][]): T[] {
  return lists.length === 1 ? (lists[0] as T[]) : lists.flat()
}

/** What the request alone decides refuses the whole, and nothing is written. */
function refuseBadInstances(results: readonly InstanceResult[], batch: boolean): void {
  const bad = results.find(({ error }) => error !== undefined && isRefusal(error))
  if (bad?.error !== undefined) throw batch ? underPath(bad.error, `instances[${bad.instance.index}]`) : bad.error
}

/** Nothing was seen, and model.yaml wants no answer then, or a queue was full: a 503 leaves no event. */
function refuseUnserved(results: readonly InstanceResult[]): void {
  const [error, ...others] = results.map((result) => result.error)
  if (error !== undefined && errorCodes[error.code].status === 503 && others.every((other) => other?.code === error.code)) throw error
}

type InTime = {
  deps: PredictorDeps
  input: PredictInput
  routed: Routed
  predicted: readonly Predicted[]
  deadline: Deadline
}

/** A deadline that passes here costs the answer, not the events: they go on to be made durable, and a drain waits for them. */
async function recordInTime({ deps, input, routed, predicted, deadline }: InTime): Promise<void> {
  const commit = input.idempotency?.commit ?? justRecord
  const recorded = commit(predicted, async () => {
    const startedTick = deps.tick()
    await record(deps, { routed, predicted, input, reply: input.reply })
    deps.commitTime.seen(deps.tick() - startedTick)
  })
  try {
    await deadline.raceEnd(recorded)
  } catch (error) {
    deps.background.run('recording an unanswered request', () => recorded)
    throw error
  }
}

function countTotal({ metrics, tick }: PredictorDeps, { serving: { facts } }: Routed, { receivedTick }: PredictInput): void {
  metrics.stage({ model: facts.model, version: facts.model_version, stage: 'total' }, tick() - receivedTick)
}

const justRecord: Commit = (_, recordThem) => recordThem()

/** A cause that spared no instance is the request's own. */
function refuseWhenNothingAnswered(predicted: readonly Predicted[]): void {
  if (isRefusedWhole(predicted)) throw predicted[0]?.error
}

/** Whether the caller is told of an error instead of predictions. */
export function isRefusedWhole([first, ...others]: readonly Predicted[]): boolean {
  return first?.error !== undefined && others.every(({ error }) => error?.code === first.error?.code)
}
