/** How long what is under way will hold the event loop, from how long such work has held it. */
export type LoopLoad = {
  /** So many instances more are under way; the callback says that they are done. */
  enter(instances: number): () => void
  /** Milliseconds of the loop's own work ahead of one who comes now. */
  expectedWaitMs(): number
}

export type LoopLoadDeps = {
  /** Milliseconds that the event loop has been busy, ever growing. */
  activeMs: () => number
  /** Monotonic milliseconds. */
  tick: () => number
}

/** A figure rests on at least so much: below that one slow turn would be taken for the rule. */
const least = { windowMs: 100, instances: 50 }
const weight = 0.3

export function createLoopLoad(deps: LoopLoadDeps): LoopLoad {
  let underWay = 0
  let done = 0
  let perInstanceMs = 0
  let from = { atMs: deps.tick(), activeMs: deps.activeMs() }

  function measure(): void {
    const atMs = deps.tick()
    if (done < least.instances || atMs - from.atMs < least.windowMs) return
    const activeMs = deps.activeMs()
    const seenMs = (activeMs - from.activeMs) / done
    perInstanceMs = perInstanceMs === 0 ? seenMs : perInstanceMs + weight * (seenMs - perInstanceMs)
    from = { atMs, activeMs }
    done = 0
  }

  return {
    enter(instances) {
      underWay += instances
      return () => {
        underWay -= instances
        done += instances
        measure()
      }
    },
    expectedWaitMs: () => underWay * perInstanceMs,
  }
}
