import { readFileSync } from 'node:fs'

/** A process as it can be recognised later: a pid alone is reused, in containers within seconds. */
export type ProcessIdentity = { pid: number; born?: string | undefined }

/** The identity of a process that runs now. `born` is known on Linux only. */
export function identifyProcess(pid: number = process.pid): ProcessIdentity {
  const started = processStart(pid)
  return { pid, born: started === '' ? undefined : `${bootId()}/${started}` }
}

/** Whether that very process still runs. A zombie does not: it holds nothing and writes nothing. */
export function isAlive({ pid, born }: ProcessIdentity): boolean {
  return exists(pid) && (born === undefined || born === identifyProcess(pid).born)
}

/**
 * When the process started, in ticks since boot: field 22 of /proc/PID/stat, counted behind the command's name. Empty for a
 * zombie, for none, and where there is no /proc.
 */
export function processStart(pid: number): string {
  const stat = readProc(`${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? '' : (fields[19] ?? '')
}

/** The id of the machine's boot; empty where there is no /proc. */
export function bootId(): string {
  return readProc('sys/kernel/random/boot_id').trim()
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function readProc(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'latin1')
  } catch {
    // The process has gone meanwhile, or /proc is not mounted: then the pid has to do.
    return ''
  }
}
