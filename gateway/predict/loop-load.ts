/** How long a request that comes now will be held up by those before it on the event loop. */
export type LoopLoad = {
  /** Milliseconds: as many requests as are under way, each as long as they have been keeping the loop. */
  expectedWaitMs(): number
  /** Counts a request in, and with what it gives back, out again. */
  begin(): () => void
}

export type LoopLoadDeps = {
  /** Monotonic milliseconds. */
  tick: () => number
  /** Milliseconds that the loop has been at work, ever; what it waits for is none of it. */
  activeMs: () => number
}

/** A measurement lasts so long, or until nothing is under way any more. */
const measureMs = 25

/** Of a new measurement: one long turn, as for a garbage collection, is not the rule, and a lasting load shows within five. */
const weight = 0.2

export function createLoopLoad({ tick, activeMs }: LoopLoadDeps): LoopLoad {
  let underWay = 0
  let eachMs = 0
  let measurement = { since: 0, activeMs: 0, ended: 0 }

  function restart(): void {
    measurement = { since: tick(), activeMs: activeMs(), ended: 0 }
  }

  function end(): void {
    underWay -= 1
    measurement.ended += 1
    if (underWay > 0 && tick() - measurement.since < measureMs) return
    eachMs += weight * ((activeMs() - measurement.activeMs) / measurement.ended - eachMs)
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
  }
}

/** Milliseconds that this thread's loop has been at work. */
export const loopActiveMs = (): number => performance.eventLoopUtilization().active
