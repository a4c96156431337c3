/** How long a request that comes now will be held up by all else that the event loop has to do. */
export type LoopLoad = {
  /** Milliseconds, from how long the loop's turns have been taking; asking for it measures the next one. */
  expectedWaitMs(): number
}

export type LoopLoadDeps = {
  /** Monotonic milliseconds. */
  tick: () => number
  /** Calls back once in the next turn of the loop. */
  nextTurn: (callback: () => void) => void
}

/** Turns from a request's arrival to its answer: its body, the store, the model's two, the write, the sync, the answer. */
const turnsOfRequest = 7

/** Of a new measurement: one long turn, as for a garbage collection, is not the rule, and a lasting load shows within five. */
const weight = 0.2

export function createLoopLoad(deps: LoopLoadDeps): LoopLoad {
  let turnMs = 0
  let measuring = false

  /** From one turn to the next: whoever asked stands somewhere within his own. */
  function measure(): void {
    if (measuring) return
    measuring = true
    deps.nextTurn(() => {
      const startedAt = deps.tick()
      deps.nextTurn(() => {
        turnMs += weight * (deps.tick() - startedAt - turnMs)
        measuring = false
      })
    })
  }

  return {
    expectedWaitMs() {
      measure()
      return turnMs * turnsOfRequest
    },
  }
}
