import { readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second wherever it shows processor time. */
const tickUs = 10_000

/** The processor time that a process has taken so far with all of its threads, user and system, in microseconds; needs Linux. */
export function processorTimeUs(pid: number): number {
  return parseProcessorTimeUs(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

/** Reads `/proc/PID/stat`, as proc(5) describes it. The second field is the program's name in brackets, which may hold spaces and brackets itself. */
export function parseProcessorTimeUs(stat: string): number {
  const fromThird = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system] = [fromThird[11], fromThird[12]].map(Number)
  return ((user ?? Number.NaN) + (system ?? Number.NaN)) * tickUs
}
