import { ServiceError } from '../../contracts/errors.ts'

/** How long a request that comes now will be held up by those before it on the event loop. */
export type LoopLoad = {
  /**
   * Milliseconds for which the requests under way will keep the event loop, going by how long such requests have kept it; under a load
   * that lasts, those within which one that comes now would be answered in all likelihood, going by how long others took.
   */
  expectedWaitMs(): number
  /** Counts a request of so many rows in, and with what it gives back, out again. */
  begin(rows: number): () => void
  /** Counts a request that is refused instead. */
  refuse(): void
}

export type LoopLoadDeps = {
  /** Monotonic milliseconds. */
  tick: () => number
  /** Milliseconds that the loop has been at work since its start, without those that it waited. */
  activeMs: () => number
}

/** The least time that a measurement takes, unless nothing is under way any more before. */
const measureMs = 25

/**
 * The median of so many counts: a pause of the process is one long measurement and not the rule; a lasting load shows within five.
 * With fewer nothing is known yet: the first requests of a process take many times as long as those that follow.
 */
const measurements = 9
/** How many of the last counts may lower the median: code that has warmed up is not held against requests that come now. */
const lastMeasurements = 3

/**
 * What a request takes of the loop beside its own rows, and what a refusal takes, both in rows. Counted as time of the answered
 * requests, refusals would have everyone refused as soon as clients come back at once.
 */
const rowsOfRequest = 2
const rowsOfRefusal = 0.6

/** The least that a request is expected to wait for the loop, for what it took instead to tell anything: else it is mostly its own work. */
const leastExpectedMs = 25
/** The most times by which requests take longer than expected, as they wait for refusals, sockets and the disk too. */
const mostCorrection = 3
/** Under a load that lasts, one request in a hundred takes about so many times as long as the others, and is to be in time as well. */
const tail = 2

type Measurement = { since: number; activeMs: number; rows: number; expectedMs: number; tookMs: number }

export function createLoopLoad({ tick, activeMs }: LoopLoadDeps): LoopLoad {
  let underWay = 0
  let rowsUnderWay = 0
  let recentMs: number[] = []
  let recentCorrections: number[] = []
  let rowMs = 0
  let correction = 1
  let measurement: Measurement = start(0, 0)

  function end(rows: number, { expectedMs, since }: { expectedMs: number; since: number }): void {
    const nowTick = tick()
    underWay -= 1
    rowsUnderWay -= rows
    measurement.rows += rows
    if (expectedMs >= leastExpectedMs) {
      measurement.expectedMs += expectedMs
      measurement.tookMs += nowTick - since
    }
    if (underWay === 0 || nowTick - measurement.since >= measureMs) finish(nowTick)
  }

  function finish(nowTick: number): void {
    const { expectedMs, tookMs, rows } = measurement
    recentMs = [...recentMs.slice(1 - measurements), (activeMs() - measurement.activeMs) / rows]
    recentCorrections = [...recentCorrections.slice(1 - measurements), expectedMs === 0 ? 0 : tookMs / expectedMs]
    if (recentMs.length === measurements) {
      rowMs = Math.min(median(recentMs), median(recentMs.slice(-lastMeasurements)))
      correction = Math.max(1, tail * Math.min(median(recentCorrections), mostCorrection))
    }
    measurement = start(nowTick, activeMs())
  }

  return {
    expectedWaitMs: () => rowsUnderWay * rowMs * correction,
    begin(rows) {
      // A measurement begins with the first request: what the loop did before does not count.
      if (underWay === 0) measurement = start(tick(), activeMs())
      const expected = { expectedMs: rowsUnderWay * rowMs, since: tick() }
      underWay += 1
      rowsUnderWay += rowsOfRequest + rows
      return () => end(rowsOfRequest + rows, expected)
    },
    refuse: () => void (measurement.rows += rowsOfRefusal),
  }
}

function start(since: number, activeMs: number): Measurement {
  return { since, activeMs, rows: 0, expectedMs: 0, tookMs: 0 }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) / 2] ?? 0
}

/**
 * The share of a budget that may go by before the event loop comes to a request: the rest is for its own work, its commit, and for
 * what is misjudged.
 */
const waitShare = 1 / 2

/** One for all: it tells nothing of the request, and under overload most requests end with it. */
const overload = new ServiceError('overloaded', 'more is under way than can be answered in time')

/** The error of one more request that would be answered late, as would those after it. */
export function overloadOf(loopLoad: LoopLoad, budgetMs: number): ServiceError | undefined {
  if (loopLoad.expectedWaitMs() <= budgetMs * waitShare) return undefined
  loopLoad.refuse()
  return overload
}

/** Throws `overloaded` where that is the error. */
export function refuseOverload(loopLoad: LoopLoad, budgetMs: number): void {
  const error = overloadOf(loopLoad, budgetMs)
  if (error !== undefined) throw error
}
