import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** One core for the servers that are compared; whoever asks them, and what they read from, have the others. */
export type Cores = { server: string; others: string }

/** Chooses among the cores that this process may use; needs Linux and two of them. */
export function chooseCores(): Cores {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  const [server, ...others] = parseCores(list)
  if (server === undefined || others.length === 0) throw new Error(`a server and its clients need a core each: there is ${list}`)
  return { server: `${server}`, others: others.join(',') }
}

/** Parses a list of cores as the kernel writes it: `0,2-4`. */
export function parseCores(text: string): number[] {
  return text.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

/** Moves a process with all of its threads; those it starts later, and its children, stay there too. */
export function moveTo(cores: string, pid: number | undefined): void {
  const { status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', cores, `${pid}`], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`taskset cannot move a process to core ${cores}: ${stderr}`)
}
