import { ServiceError } from '../../contracts/errors.ts'

/** How long a request that comes now will be held up by those before it on the event loop. */
export type LoopLoad = {
  /** Milliseconds: what is under way, as long as such has been keeping the loop. */
  expectedWaitMs(): number
  /** Counts a request of so many rows in, and with what it gives back, out again. */
  begin(rows: number): () => void
  /** Counts a request that is refused instead. */
  refuse(): void
}

export type LoopLoadDeps = {
  /** Monotonic milliseconds. */
  tick: () => number
  /** Milliseconds that the loop has been at work, ever; what it waits for is none of it. */
  activeMs: () => number
}

/** A measurement lasts so long, or until nothing is under way any more. */
const measureMs = 25

/**
 * The median of so many counts: a pause of the process is one long measurement and not the rule; a lasting load shows within five.
 * With fewer nothing is known yet: the first requests of a process take many times as long as those that follow.
 */
const measurements = 9
/** The median of the last few counts too where that is less: code that has warmed up is not held against those that come now. */
const lastMeasurements = 3

/**
 * What a request takes of the loop, in rows, beside its own, and what a refusal takes. Were a refusal's time laid at the door of those
 * that are answered, clients that come back at once would have everyone refused.
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
      // What the loop did before is none of this request's.
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

/**
 * One more would be answered late, and so would those after it: better refused at once, and before its body is read. Throws
 * `overloaded`.
 */
export function refuseOverload(loopLoad: LoopLoad, budgetMs: number): void {
  if (loopLoad.expectedWaitMs() <= budgetMs * waitShare) return
  loopLoad.refuse()
  throw new ServiceError('overloaded', 'more is under way than can be answered in time')
}
