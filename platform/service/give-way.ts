import { readdirSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/** The niceness of a process that gives way: where both want a core, it gets a quarter of what one of the usual priority gets. */
export const niceness = 5

/** Lowers the priority of this process, all of its threads included, as far as the system allows; one that is lower already stays. */
export function giveWay(): void {
  for (const thread of threads()) {
    try {
      if (getPriority(thread) < niceness) setPriority(thread, niceness)
    } catch {
      // A thread that has ended meanwhile, or a system that forbids it: the service does its work all the same.
    }
  }
}

/** On Linux each thread has a priority of its own, which those that it starts take over. Elsewhere the process has one, 0 for this one. */
function threads(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number)
  } catch {
    return [0]
  }
}
