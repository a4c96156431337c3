import { ServiceError } from '../../contracts/errors.ts'

/** How long a request that comes now will be held up by those before it on the event loop. */
export type LoopLoad = {
  /** Milliseconds: as many requests as are under way, each as long as they have been keeping the loop. */
  expectedWaitMs(): number
  /** Counts a request in, and with what it gives back, out again. */
  begin(): () => void
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

/**
 * What a refusal takes of the loop, as a share of an answer. Were its time laid at the door of those that are answered,
 * clients that come back at once would have everyone refused.
 */
const refusalShare = 1 / 5

export function createLoopLoad({ tick, activeMs }: LoopLoadDeps): LoopLoad {
  let underWay = 0
  let recentMs: number[] = []
  let eachMs = 0
  let measurement = { since: 0, activeMs: 0, served: 0 }

  function restart(): void {
    measurement = { since: tick(), activeMs: activeMs(), served: 0 }
  }

  function end(): void {
    underWay -= 1
    measurement.served += 1
    if (underWay > 0 && tick() - measurement.since < measureMs) return
    recentMs = [...recentMs.slice(1 - measurements), (activeMs() - measurement.activeMs) / measurement.served]
    if (recentMs.length === measurements) eachMs = recentMs.toSorted((a, b) => a - b)[(measurements - 1) / 2] ?? 0
    restart()
  }

  return {
    expectedWaitMs: () => underWay * eachMs,
    begin() {
      // What the loop did before is none of this request's.
      if (underWay === 0) restart()
      underWay += 1
      return end
    },
    refuse: () => void (measurement.served += refusalShare),
  }
}

/** Milliseconds that this thread's loop has been at work. */
export const loopActiveMs = (): number => performance.eventLoopUtilization().active

/** The share of a budget that may go by before the event loop comes to a request: the rest is for its own work and its commit. */
const waitShare = 1 / 4

/**
 * One more would be answered late, and so would those after it: better refused at once, and before its body is read. Throws
 * `overloaded`.
 */
export function refuseOverload(loopLoad: LoopLoad, budgetMs: number): void {
  if (loopLoad.expectedWaitMs() <= budgetMs * waitShare) return
  loopLoad.refuse()
  throw new ServiceError('overloaded', 'more is under way than can be answered in time')
}
