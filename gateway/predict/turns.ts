import type { Deadline, Deadlines } from '../bounds/deadlines.ts'

/** When what has arrived goes through the stages. */
export type Turns = {
  /** Something has arrived, for the next turn. */
  arrived(): void
  /** A turn has begun to read the store. Takes it as over however the read settles. */
  reading(read: Promise<unknown>): void
}

export type TurnsDeps = { turn: () => void; tick: () => number; deadlines: Deadlines }

/** How long a read that is under way keeps what arrives waiting. */
const gatherMs = 0.5

/**
 * A turn begins at the end of the event loop's turn in which something arrived. While the store is being read, what arrives is
 * gathered until that read is over: the busier the loop, the more shares a turn's cost. A read that takes longer than half a
 * millisecond is not waited for, or a pause of the store would come back as ever larger turns.
 */
export function createTurns({ turn, tick, deadlines }: TurnsDeps): Turns {
  let isScheduled = false
  let readTick: number | undefined
  let patience: Deadline | undefined

  function schedule(): void {
    if (patience !== undefined) deadlines.clear(patience)
    patience = undefined
    if (isScheduled) return
    isScheduled = true
    setImmediate(begin)
  }

  function begin(): void {
    isScheduled = false
    turn()
  }

  return {
    arrived() {
      if (isScheduled) return
      if (readTick === undefined || tick() - readTick >= gatherMs) schedule()
      else patience ??= deadlines.at(readTick + gatherMs, schedule)
    },
    reading(read) {
      const own = tick()
      readTick = own
      const isOver = () => {
        if (readTick === own) readTick = undefined
        if (readTick === undefined && patience !== undefined) schedule()
      }
      read.then(isOver, isOver)
    },
  }
}
