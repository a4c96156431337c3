import { readFileSync } from 'node:fs'

/** A process as it can be recognised later: a pid alone is reused, in containers within seconds. */
export type ProcessIdentity = { pid: number; born?: string | undefined }

/** The identity of a process that runs now. `born` is known on Linux only. */
export function identifyProcess(pid: number = process.pid): ProcessIdentity {
  return { pid, born: bornAt(pid) }
}

/** Whether that very process still runs. */
export function isAlive({ pid, born }: ProcessIdentity): boolean {
  if (!exists(pid)) return false
  return born === undefined || born === bornAt(pid)
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Boot id and start time in clock ticks since boot: field 22 of /proc/<pid>/stat, counted behind the command's name. */
function bornAt(pid: number): string | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return `${boot}/${ticks}`
  } catch {
    // Gone meanwhile, or /proc is not mounted: then the pid has to do.
    return undefined
  }
}
