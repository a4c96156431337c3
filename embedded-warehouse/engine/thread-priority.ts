import { readdirSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'

/** About a third of the first thread's share when cores are short. */
const behind = 5

/**
 * Puts every thread of this process but the first behind it, so that the event loop answers while queries use all cores.
 * Linux counts niceness per thread and new threads take it over; elsewhere nothing is done.
 */
export function favourEventLoop(): void {
  if (process.platform !== 'linux') return
  const nice = Math.min(getPriority() + behind, constants.priority.PRIORITY_LOW)
  for (const name of readdirSync('/proc/self/task')) if (Number(name) !== process.pid) lower(Number(name), nice)
}

function lower(thread: number, nice: number): void {
  try {
    setPriority(thread, nice)
  } catch (error) {
    // A thread may end between the listing and here.
    if ((error as { info?: { code?: string } }).info?.code !== 'ESRCH') throw error
  }
}
