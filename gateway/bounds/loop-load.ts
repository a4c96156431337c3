import { ServiceError } from '../../contracts/errors.ts'

/** How long a request that comes now will be held up by those before it on the event loop. */
export type LoopLoad = {
  /** Milliseconds for which the requests under way will keep the event loop, going by how long such requests have kept it. */
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

export function createLoopLoad({ tick, activeMs }: LoopLoadDeps): LoopLoad {
  let underWay = 0
  let rowsUnderWay = 0
  let recentMs: number[] = []
  let rowMs = 0
  let measurement = { since: 0, activeMs: 0, rows: 0 }

  function restart(): void {
    measurement = { since: tick(), activeMs: activeMs(), rows: 0 }
  }

  function end(rows: number): void {
    underWay -= 1
    rowsUnderWay -= rows
    measurement.rows += rows
    if (underWay > 0 && tick() - measurement.since < measureMs) return
    recentMs = [...recentMs.slice(1 - measurements), (activeMs() - measurement.activeMs) / measurement.rows]
    if (recentMs.length === measurements) rowMs = Math.min(median(recentMs), median(recentMs.slice(-lastMeasurements)))
    restart()
  }

  return {
    expectedWaitMs: () => rowsUnderWay * rowMs,
    begin(rows) {
      // A measurement begins with the first request: what the loop did before does not count.
      if (underWay === 0) restart()
      underWay += 1
      rowsUnderWay += rowsOfRequest + rows
      return () => end(rowsOfRequest + rows)
    },
    refuse: () => void (measurement.rows += rowsOfRefusal),
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) / 2] ?? 0
}

/**
 * The share of a budget that may go by before the event loop comes to a request: the rest is for its own work, its commit, and for
 * what is misjudged.
 */
const waitShare = 1 / 2

/** Throws `overloaded`, before the body is read, when one more request would be answered late, as would those after it. */
export function refuseOverload(loopLoad: LoopLoad, budgetMs: number): void {
  if (loopLoad.expectedWaitMs() <= budgetMs * waitShare) return
  loopLoad.refuse()
  throw new ServiceError('overloaded', 'more is under way than can be answered in time')
}
