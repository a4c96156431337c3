import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'

/** A third of the share of a thread at 0 when cores are short. */
const nice = 5

/**
 * Puts every thread of this process but the first behind it, so that the event loop answers while queries use all cores.
 * Linux counts niceness per thread and new threads take it over; elsewhere nothing is done.
 */
export function favourEventLoop(): void {
  if (process.platform !== 'linux') return
  for (const name of readdirSync('/proc/self/task')) if (Number(name) !== process.pid) lower(Number(name))
}

function lower(thread: number): void {
  try {
    setPriority(thread, nice)
  } catch (error) {
    // A thread may end between the listing and here.
    if ((error as { info?: { code?: string } }).info?.code !== 'ESRCH') throw error
  }
}
