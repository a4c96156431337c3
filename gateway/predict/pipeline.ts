import { errorCodes, ServiceError, toServiceError, underPath } from '../../contracts/errors.ts'
import type { OnlineStore } from '../../platform/online-store/online-store.ts'
import type { Deadlines } from '../bounds/deadlines.ts'
import { assemble, isRefusal } from './assemble.ts'
import type { Background } from './background.ts'
import { type CommitDeps, createCommits } from './commit.ts'
import { isLate, reachMs, standIn, withConstant } from './fallback.ts'
import type { Execution, StoreRead } from './prediction.ts'
import { executionOf, failure, microseconds, type RunDeps, runParts } from './run.ts'
import type { Routed } from './routing.ts'
import type { ServingVersion } from './serving-model.ts'
import { createSlices } from './slices.ts'
import { keysOf, readShare, readStore, unread } from './store-read.ts'
import { createTurns } from './turns.ts'
import { type Group, markOf, noRead, nothingRead, type Part, type Work } from './work.ts'

export type PipelineDeps = RunDeps & CommitDeps & { store: OnlineStore; deadlines: Deadlines; background: Background }

/**
 * The one way of a prediction. What arrives until a turn begins goes through together, as arrays: one read of the store, one run
 * of each version, one append. A batch waits for store, model and disk, never for a request: one that is late,
 * or whose client hung up, leaves with what it has.
 */
export type Pipeline = {
  /** Takes over a request, until it is settled. */
  submit(work: Work): void
  /** Takes over a shadow's run, whose request has been through the store already. */
  submitShadow(work: Work): void
  /** Settles work that is not run: each of its instances has this error. */
  refuse(work: Work, error: ServiceError): void
}

/** The parts that wait for their run, by the version that runs them. */
type Assembled = Map<ServingVersion, { answering: Part[]; watching: Part[] }>

/** The most instances that go through the stages together. */
const mostPartRows = 64

export function createPipeline(deps: PipelineDeps): Pipeline {
  const { deadlines, tick, metrics } = deps
  const slices = createSlices({ tick, afterEach: runAssembled })
  const commits = createCommits(deps, { settle, slices })
  const turns = createTurns({ turn, tick, deadlines })
  let arrived: Work[] = []
  let assembled: Assembled = new Map()

  function turn(): void {
    const works = arrived
    arrived = []
    const read = startRead(works)
    for (const work of works) {
      if (work.stage !== 'turn') continue
      work.read = read
      start(work)
    }
    slices.run()
  }

  function startRead(works: readonly Work[]): StoreRead {
    const keys = keysOf(works)
    if (keys.keys.length === 0) return noRead
    const read: StoreRead = { seen: undefined }
    const reading = readStore(deps, keys).then(
      (seen) => {
        read.seen = seen
        const waiting = works.filter(({ stage }) => stage === 'store')
        metrics.storeRead(seen === unread ? 'failed' : 'answered', waiting.length)
        for (const work of waiting) leaveStore(work)
        slices.run()
      },
      (error: unknown) => {
        // The shadows of requests that got no answer of the store see that it gave none.
        read.seen = unread
        for (const work of works) if (work.stage === 'store') settle(work, toServiceError(error))
      },
    )
    turns.reading(reading)
    return read
  }

  function start(work: Work): void {
    for (const group of work.groups) cut(work, group, group.routed, work.parts)
    work.open = work.parts.length
    const waits = work.read.seen === undefined && work.parts.some(({ needsStore }) => needsStore)
    work.stage = waits ? 'store' : 'model'
    work.readBy = tick() + (work.marks.workBy - tick()) * readShare
    arm(work)
    for (const part of work.parts) if (!waits || !part.needsStore) addPart(part)
  }

  /** Adds the parts of a group that go through with this version. */
  function cut(work: Work, group: Group, routed: Routed, parts: Part[]): void {
    const { instances } = group
    for (let from = 0; from < instances.length; from += mostPartRows) {
      const own = instances.length <= mostPartRows ? instances : instances.slice(from, from + mostPartRows)
      const needsStore = own.some((instance) => routed.serving.features.needsStore(instance))
      parts.push({
        work,
        group,
        routed,
        instances: own,
        needsStore,
        startedTick: tick(),
        featuresUs: undefined,
        assembled: [],
        seen: undefined,
        leaveRun: undefined,
        execution: undefined,
      })
    }
  }

  /** Goes on with work whose read of the store is over, or is not waited for any longer. */
  function leaveStore(work: Work): void {
    work.stage = 'model'
    arm(work)
    for (const part of work.parts) if (part.needsStore && part.execution === undefined) addPart(part)
  }

  function addPart(part: Part): void {
    slices.add(() => assemblePart(part), { later: part.instances !== part.group.instances && part !== part.work.parts[0] })
  }

  function assemblePart(part: Part): void {
    const { work, routed, instances } = part
    if (part.execution !== undefined || work.stage === 'over') return
    const seen = part.needsStore ? (work.read.seen ?? unread) : nothingRead
    part.seen = seen
    part.assembled = instances.map((instance) => assemble(routed.serving, instance, seen))
    part.featuresUs = microseconds(tick() - part.startedTick)
    // What the request alone decides refuses the whole, and nothing is written.
    const bad =
      work.stage !== 'stand-in' && !work.background
        ? part.assembled.find(({ error }) => error !== undefined && isRefusal(error))
        : undefined
    if (bad?.error !== undefined)
      return settle(work, work.input.batch ? underPath(bad.error, `instances[${bad.instance.index}]`) : bad.error)
    if (part.assembled.every(({ error }) => error !== undefined))
      return end(part, executionOf(part, { durationUs: {}, resultOf: (item) => failure(item, new ServiceError('internal', 'no result')) }))
    let own = assembled.get(routed.serving)
    if (own === undefined) assembled.set(routed.serving, (own = { answering: [], watching: [] }))
    own[work.background ? 'watching' : 'answering'].push(part)
  }

  function runAssembled(): void {
    const ready = assembled
    // Not cleared: V8 leaves what a map held in the table that it puts away, and that refers to the next one, so that all of them stay.
    assembled = new Map()
    for (const { answering, watching } of ready.values()) {
      for (const parts of [answering, watching]) if (parts.length > 0) runParts(deps, parts, { each: end, all: commits.flush })
    }
    commits.flush()
  }

  function end(part: Part, execution: Execution): void {
    const { work } = part
    if (part.execution !== undefined || work.stage === 'over') return
    part.execution = execution
    if (--work.open === 0) endParts(work)
  }

  function endParts(work: Work): void {
    if (work.stage === 'stand-in') {
      work.parts = work.groups.flatMap((group) => standInOf(work, group))
    } else {
      const late = work.groups.filter((group) => group.fallback !== undefined && partsOf(work, group).some(hasLate))
      for (const { fallback, routed } of late) {
        if (fallback?.kind !== 'constant') continue
        for (const part of partsOf(work, { routed })) part.execution = withConstant(fallback, routed, part.execution!)
      }
      const parts: Part[] = []
      for (const group of late)
        if (group.fallback?.kind === 'version') cut(work, group, { ...group.routed, serving: group.fallback.serving }, parts)
      if (parts.length > 0) return askOthers(work, parts)
    }
    finish(work)
  }

  function askOthers(work: Work, parts: readonly Part[]): void {
    work.stage = 'stand-in'
    // After a pause of the process the time of the other version may be over before it began, and it can still be the first to answer.
    work.marks = { ...work.marks, standInBy: Math.max(work.marks.standInBy, tick() + reachMs) }
    work.parts = [...work.parts, ...parts]
    work.open = parts.length
    arm(work)
    for (const part of parts) addPart(part)
    slices.run()
  }

  /** The parts of a group whose answer stands: those of the other version, where it gave all of them. */
  function standInOf(work: Work, { routed, fallback }: Group): Part[] {
    const first = partsOf(work, { routed })
    if (fallback?.kind !== 'version') return first
    const second = work.parts.filter((part) => part.group.routed === routed && part.routed !== routed)
    const executions = second.map(({ execution }) => standIn(execution!, { late: routed.serving, other: fallback.serving }))
    if (second.length === 0 || executions.includes(undefined)) return first
    return second.map((part, index) => ({ ...part, execution: executions[index] }))
  }

  function finish(work: Work): void {
    const unserved = work.background ? undefined : unservedBy(work.parts)
    if (unserved !== undefined) return settle(work, unserved)
    work.stage = 'commit'
    arm(work)
    commits.add(work)
  }

  /** Goes on without what the work waits for, because it is late or its client has hung up. */
  function leave(work: Work, error: ServiceError): void {
    if (work.stage === 'commit' || work.stage === 'over') return
    if (work.stage === 'turn') start(work)
    for (const part of work.parts) {
      if (part.execution !== undefined) continue
      part.leaveRun?.(error)
      end(part, failedPart(part, error))
    }
    commits.flush()
  }

  /** Sets the work's deadline unless one is set: marks only move on, so the work is looked at then, and again at its own. */
  function arm(work: Work): void {
    if (work.deadline === undefined) setDeadline(work)
  }

  function setDeadline(work: Work): void {
    const mark = markOf(work)
    work.deadline = mark === Infinity ? undefined : deadlines.at(mark, () => expire(work))
  }

  function expire(work: Work): void {
    if (tick() < markOf(work)) return setDeadline(work)
    work.deadline = undefined
    if (work.stage === 'store' && tick() < work.marks.workBy) {
      metrics.storeRead('late', 1)
      work.read = { seen: unread }
      leaveStore(work)
      slices.run()
    } else if (work.stage === 'commit') commits.giveUp(work, exceeded())
    else leave(work, exceeded())
  }

  function settle(work: Work, error?: Error): void {
    if (work.stage === 'over') return
    work.stage = 'over'
    if (work.deadline !== undefined) deadlines.clear(work.deadline)
    work.settle(error)
  }

  return {
    submit(work) {
      arrived.push(work)
      turns.arrived()
      work.input.onHangUp?.(() => leave(work, new ServiceError('cancelled', 'the client hung up')))
    },
    submitShadow(work) {
      start(work)
      slices.run()
    },
    refuse(work, error) {
      leave(work, error)
    },
  }
}

function partsOf(work: Work, { routed }: Pick<Group, 'routed'>): Part[] {
  return work.parts.filter((part) => part.routed === routed)
}

function hasLate({ execution }: Part): boolean {
  return execution?.results.some(isLate) === true
}

function failedPart(part: Part, error: ServiceError): Execution {
  if (part.assembled.length > 0) return executionOf(part, { durationUs: {}, resultOf: (item) => failure(item, error) })
  return { results: part.instances.map((instance) => failure({ instance, features: [] }, error)), durationUs: {}, seen: undefined }
}

/** The error of a request that leaves no event, a 503: nothing was seen, and model.yaml wants no answer then, or a queue was full. */
function unservedBy(parts: readonly Part[]): ServiceError | undefined {
  const error = parts[0]?.execution?.results[0]?.error
  if (error === undefined || errorCodes[error.code].status !== 503) return undefined
  return parts.every(({ execution }) => execution!.results.every((other) => other.error?.code === error.code)) ? error : undefined
}

function exceeded(): ServiceError {
  return new ServiceError('deadline_exceeded', 'the latency budget ran out')
}
