import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

export type ProcessSpec = {
  name: string
  command: string
  /** The arguments, asked for before each start. */
  args: () => readonly string[]
  env?: () => NodeJS.ProcessEnv
  cwd?: string
  logFile: string
  ipc?: boolean
  /** The exit statuses that say that the process ended as asked. Default 0 alone. */
  drainedStatuses?: readonly number[]
  /** Resolves once the process can be used. */
  ready(child: ChildProcess, ended: Promise<string>): Promise<void>
}

/** A process that the harness starts, ends and starts again. */
export type HarnessProcess = {
  readonly name: string
  start(): Promise<void>
  running(): boolean
  signal(signal: NodeJS.Signals): void
  /** Sends SIGKILL and waits for the end. */
  kill(): Promise<void>
  /** Sends SIGTERM and waits; throws when the process has not ended by itself within the deadline, or not with exit status 0. */
  drain(deadlineMs: number): Promise<void>
  /** Resolves at the end of the running process, which is expected from now on; at once where none runs. */
  ended(): Promise<void>
  /** How often the process ended without being asked to. */
  deaths(): number
}

export function createProcess(spec: ProcessSpec): HarnessProcess {
  let child: ChildProcess | undefined
  let end: Promise<string> = Promise.resolve('not started')
  let asked = false
  let deaths = 0

  async function start(): Promise<void> {
    asked = false
    const launched = launch(spec)
    child = launched
    const ended = endOf(launched)
    end = ended
    // Whoever ends the harness must not be left with what it started, stopped processes least of all.
    const killWithHarness = () => void launched.kill('SIGKILL')
    process.once('exit', killWithHarness)
    void ended.then(() => {
      process.off('exit', killWithHarness)
      if (child === launched) child = undefined
      if (!asked) deaths += 1
    })
    const died = ended.then((how) => Promise.reject(new Error(`${spec.name} ended while starting (${how}): see ${spec.logFile}`)))
    died.catch(() => undefined)
    await Promise.race([spec.ready(launched, ended), died])
  }

  function ask(signal: NodeJS.Signals): void {
    asked = true
    child?.kill(signal)
  }

  return {
    name: spec.name,
    start,
    running: () => child !== undefined,
    signal: (signal) => void child?.kill(signal),
    async kill() {
      ask('SIGKILL')
      await end
    },
    async drain(deadlineMs) {
      if (child === undefined) return
      ask('SIGTERM')
      const timer = setTimeout(() => child?.kill('SIGKILL'), deadlineMs)
      const how = await end
      clearTimeout(timer)
      const drained = (spec.drainedStatuses ?? [0]).some((status) => how === `exit status ${status}`)
      if (!drained) throw new Error(`${spec.name} did not drain within ${deadlineMs} ms: ${how}; see ${spec.logFile}`)
    },
    async ended() {
      asked = true
      await end
    },
    deaths: () => deaths,
  }
}

function launch(spec: ProcessSpec): ChildProcess {
  const log = openSync(spec.logFile, 'a')
  const stdio: SpawnOptions['stdio'] = spec.ipc === true ? ['ignore', log, log, 'ipc'] : ['ignore', log, log]
  try {
    const env = spec.env?.() ?? process.env
    return spawn(spec.command, spec.args(), { stdio, env, ...(spec.cwd !== undefined && { cwd: spec.cwd }) })
  } finally {
    closeSync(log)
  }
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ?? `exit status ${code}`))
  })
}
