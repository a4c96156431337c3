/** Resolves when it is one's turn. */
export type SpareTurns = () => Promise<void>

/** A turn of the event loop lets through at most this part of those that wait. */
const share = 1 / 16

/**
 * Lets work that nobody waits for go a little at a time, in the order it came, and not before what this turn of the event
 * loop has answered is sent.
 */
export function createSpareTurns(): SpareTurns {
  let waiting: (() => void)[] = []

  function turn(): void {
    const count = Math.ceil(waiting.length * share)
    for (const go of waiting.slice(0, count)) go()
    waiting = waiting.slice(count)
    if (waiting.length > 0) setImmediate(turn)
  }

  return () =>
    new Promise((resolve) => {
      if (waiting.length === 0) setImmediate(turn)
      waiting.push(resolve)
    })
}
