/** A callback that waits for its moment. Only `clear` has a use for it. */
export type Deadline = { slot: number; expire: (() => void) | undefined }

/**
 * Many deadlines kept by one timer, where a timer for each would be too dear. Setting and clearing one takes the same time
 * however many there are, and where there are none there is no timer. None holds the process.
 */
export type Deadlines = {
  /** Calls back once that moment of the clock is over, never before it, and at most the granularity and a turn of the event loop later. */
  at(tickMs: number, expire: () => void): Deadline
  /** What was cleared is not called; clearing it again, or after it was called, does nothing. */
  clear(deadline: Deadline): void
}

const wheelSlots = 512
const defaultGranularityMs = 2

/**
 * A hashed timing wheel: a deadline waits in the slot of its moment, along with those that are whole rounds of the wheel apart.
 * In a turn of the event loop timers come before sockets. So what is due is called a phase later: after a pause of the process,
 * what arrived meanwhile is not late. `tick` is monotonic, in milliseconds.
 */
export function createDeadlines({ tick, granularityMs = defaultGranularityMs }: { tick: () => number; granularityMs?: number }): Deadlines {
  const wheel = Array.from({ length: wheelSlots }, () => new Set<Deadline>())
  let waiting = 0
  let doneSlot = Math.floor(tick() / granularityMs)
  let timer: NodeJS.Timeout | undefined
  let timerSlot = Infinity

  function wakeAt(slot: number): void {
    if (slot >= timerSlot) return
    clearTimeout(timer)
    timerSlot = slot
    timer = setTimeout(wake, Math.max(0, Math.ceil(slot * granularityMs - tick()))).unref()
  }

  function wake(): void {
    timerSlot = Infinity
    const due = takeDue(Math.floor(tick() / granularityMs))
    if (due.length > 0) setImmediate(callAll, due)
    wakeForNext()
  }

  function takeDue(throughSlot: number): Deadline[] {
    const due: Deadline[] = []
    for (let slot = Math.max(doneSlot, throughSlot - wheelSlots) + 1; slot <= throughSlot; slot++)
      for (const deadline of slotOf(slot)) if (deadline.slot <= throughSlot) due.push(deadline)
    for (const deadline of due) remove(deadline)
    doneSlot = Math.max(doneSlot, throughSlot)
    return due
  }

  function wakeForNext(): void {
    if (waiting === 0) return
    let slot = doneSlot + 1
    while (slot < doneSlot + wheelSlots && !hasDue(slot)) slot++
    wakeAt(slot)
  }

  function hasDue(slot: number): boolean {
    for (const deadline of slotOf(slot)) if (deadline.slot === slot) return true
    return false
  }

  function slotOf(slot: number): Set<Deadline> {
    return wheel[slot % wheelSlots] as Set<Deadline>
  }

  function remove(deadline: Deadline): void {
    if (slotOf(deadline.slot).delete(deadline)) waiting--
  }

  return {
    at(tickMs, expire) {
      const slot = Math.max(doneSlot + 1, Math.ceil(tickMs / granularityMs))
      const deadline = { slot, expire }
      slotOf(slot).add(deadline)
      waiting++
      wakeAt(slot)
      return deadline
    },
    clear(deadline) {
      deadline.expire = undefined
      remove(deadline)
    },
  }
}

/** Calls the callbacks that are due, but for those cleared since, by what arrived or by another callback. */
function callAll(due: readonly Deadline[]): void {
  for (const deadline of due) {
    const { expire } = deadline
    deadline.expire = undefined
    expire?.()
  }
}
