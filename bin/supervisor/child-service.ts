import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ServiceError, errorCodes, type ErrorCode } from '../../contracts/errors.ts'
import type { ServiceMessage, ServiceName } from '../../platform/service/service.ts'
import { typescriptArgs } from '../../platform/typescript/typescript-args.ts'

export type ChildEvent =
  | { kind: 'ready'; restarts: number }
  | { kind: 'died'; how: string; reason?: string; nextTryMs: number; restarts: number }
  | { kind: 'gave_trouble'; restarts: number }

/**
 * `drained`: by itself, or it never got to have anything to drain. `slow`: killed at its deadline. `died`: while it was to
 * drain. `dead`: it had died before and was to be started again. `how` is as in `lastExit`.
 */
export type ChildEnd = { kind: 'drained' } | { kind: 'slow' } | { kind: 'died' | 'dead'; how: string }

export type ChildState = {
  service: ServiceName
  pid?: number
  ready: boolean
  restarts: number
  /** How it last ended unasked, as `exit status 1` or `SIGKILL`. */
  lastExit?: { at: string; how: string; reason?: string }
  admin?: string
  addresses: Record<string, string>
}

/** A service kept running as a process of its own until it is stopped. */
export type ChildService = {
  readonly service: ServiceName
  /** Resolves at its first readiness; rejects when it refuses to start before that. */
  started: Promise<void>
  state(): ChildState
  /** From now on it is not started again: everything is about to stop, and a signal may have reached it too. */
  letEnd(): void
  /** Tells it to drain and waits for its end; kills it after the deadline. */
  stop(deadlineMs: number): Promise<ChildEnd>
  kill(): void
}

export type ChildOptions = {
  service: ServiceName
  entry: string
  /** Gives the environment, asked for before each start, so that a restart keeps the ports of the first. */
  env: (previous: Record<string, string>) => NodeJS.ProcessEnv
  logDir: string
  onEvent: (event: ChildEvent) => void
  backoff?: Partial<Backoff>
}

type Backoff = { firstMs: number; maxMs: number; healthyMs: number; troubleAfter: number }

// Quick enough that one crash is hardly noticed; a service that stayed up for `healthyMs` starts again from `firstMs`.
const defaultBackoff: Backoff = { firstMs: 200, maxMs: 10_000, healthyMs: 30_000, troubleAfter: 5 }

const root = fileURLToPath(new URL('../../', import.meta.url))
const maxLogBytes = 32 * 1024 * 1024

export function startChildService(options: ChildOptions): ChildService {
  const backoff = { ...defaultBackoff, ...options.backoff }
  const state: ChildState = { service: options.service, ready: false, restarts: 0, addresses: {} }
  let child: ChildProcess | undefined
  let childEnd = deferred()
  let stopping = false
  let everReady = false
  let failures = 0
  let retry: NodeJS.Timeout | undefined
  let refusal: ServiceError | undefined
  let finalExit: string | undefined
  const first = deferred()

  function launch(): void {
    const startedAtMs = Date.now()
    refusal = undefined
    let drained = false
    const process = spawnService(options, options.env(state.addresses))
    child = process
    childEnd = deferred()
    setPid(state, process.pid)
    process.on('message', (message: ServiceMessage) => {
      if (message.type === 'ready') becomeReady(message)
      else if (message.type === 'failed') refusal = toError(message)
      else drained = true
    })
    process.once('error', (error) => ended(startedAtMs, error.message))
    // Only once the channel has closed too has everything been read that the service said before its end.
    const closed = once(process, 'disconnect')
    process.once(
      'exit',
      (code, signal) => void closed.then(() => ended(startedAtMs, drained ? endedWithStatus(0) : (signal ?? endedWithStatus(code)))),
    )
  }

  function becomeReady(message: ServiceMessage & { type: 'ready' }): void {
    Object.assign(state, { ready: true, admin: message.admin, addresses: message.addresses })
    everReady = true
    first.resolve()
    options.onEvent({ kind: 'ready', restarts: state.restarts })
  }

  function ended(startedAtMs: number, how: string): void {
    if (child === undefined) return
    child = undefined
    state.ready = false
    setPid(state, undefined)
    childEnd.resolve()
    if (stopping) {
      finalExit = how
      first.reject(new Error(`${options.service} was stopped while starting`))
      return
    }
    const reason = refusal?.message
    state.lastExit = { at: new Date().toISOString(), how, ...(reason !== undefined && { reason }) }
    if (!everReady) {
      stopping = true
      first.reject(refusal ?? new Error(`${options.service} ended while starting (${how}); see ${logPath(options)}`))
      return
    }
    failures = Date.now() - startedAtMs >= backoff.healthyMs ? 1 : failures + 1
    const nextTryMs = Math.min(backoff.maxMs, backoff.firstMs * 2 ** (failures - 1))
    state.restarts += 1
    options.onEvent({ kind: 'died', how, nextTryMs, restarts: state.restarts, ...(reason !== undefined && { reason }) })
    if (failures === backoff.troubleAfter) options.onEvent({ kind: 'gave_trouble', restarts: state.restarts })
    retry = setTimeout(launch, nextTryMs)
  }

  function letEnd(): void {
    stopping = true
    clearTimeout(retry)
  }

  async function stop(deadlineMs: number): Promise<ChildEnd> {
    letEnd()
    const running = child
    let late = false
    if (running !== undefined) {
      running.kill('SIGTERM')
      const timer = setTimeout(() => (late = running.kill('SIGKILL')), deadlineMs)
      await childEnd.promise
      clearTimeout(timer)
    }
    if (finalExit === undefined) return everReady && state.lastExit ? { kind: 'dead', how: state.lastExit.how } : { kind: 'drained' }
    if (finalExit === endedWithStatus(0)) return { kind: 'drained' }
    return late && finalExit === 'SIGKILL' ? { kind: 'slow' } : { kind: 'died', how: finalExit }
  }

  launch()
  return {
    service: options.service,
    started: first.promise,
    state: () => ({ ...state }),
    letEnd,
    stop,
    kill: () => {
      letEnd()
      child?.kill('SIGKILL')
    },
  }
}

// The log is a file handed to the child, not a pipe: it outlives the supervisor, and a full pipe blocks nobody.
function spawnService(options: ChildOptions, env: NodeJS.ProcessEnv): ChildProcess {
  const log = openLog(logPath(options))
  try {
    return spawn(process.execPath, [...typescriptArgs, join(root, options.entry)], {
      cwd: root,
      env,
      stdio: ['ignore', log, log, 'ipc'],
    })
  } finally {
    closeSync(log)
  }
}

function endedWithStatus(code: number | null): string {
  return `exit status ${code}`
}

function logPath(options: ChildOptions): string {
  return join(options.logDir, `${options.service}.log`)
}

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > maxLogBytes) renameSync(path, `${path}.1`)
  return openSync(path, 'a')
}

function setPid(state: ChildState, pid: number | undefined): void {
  if (pid === undefined) delete state.pid
  else state.pid = pid
}

function toError(message: ServiceMessage & { type: 'failed' }): ServiceError {
  const code = (message.code in errorCodes ? message.code : 'internal') as ErrorCode
  const text = `${message.service}: ${message.message.replaceAll('\n', '; ')}`
  return new ServiceError(code, text, message.hint === undefined ? {} : { hint: message.hint })
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve!: () => void
  let reject!: (error: Error) => void
  const promise = new Promise<void>((done, fail) => {
    resolve = done
    reject = fail
  })
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
