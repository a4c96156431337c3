import type { ChildProcess } from 'node:child_process'
import { errorCodes, type ErrorCode, ServiceError } from '../../contracts/errors.ts'
import { backOffMs, type BackOff } from './retry.ts'
import type { ServiceMessage } from './service.ts'

export type ReadyMessage = Extract<ServiceMessage, { type: 'ready' }>

export type KeptProcessEvent =
  | { kind: 'ready'; restarts: number }
  | { kind: 'died'; how: string; refusal?: ServiceError; nextTryMs: number; restarts: number }
  | { kind: 'gave_trouble'; restarts: number }

/**
 * How a kept process ended. `drained`: by itself, or before it had anything to drain. `slow`: killed at its deadline. `died`:
 * while it was to drain. `dead`: it had died before and was to be started again. `how` is as in `lastExit`.
 */
export type ProcessEnd = { kind: 'drained' } | { kind: 'slow' } | { kind: 'died' | 'dead'; how: string }

export type KeptState = {
  pid?: number
  ready: boolean
  restarts: number
  /** How it last ended unasked, as `exit status 1` or `SIGKILL`. */
  lastExit?: { at: string; how: string; reason?: string }
  /** The message of its last readiness. */
  said?: ReadyMessage
}

/** A process with a service in it, started again whenever it ends, until it is stopped. */
export type KeptProcess = {
  /** Resolves at its first readiness; rejects when it ends before that, with the service's own error where it told one. */
  started: Promise<void>
  state(): KeptState
  /** Has it not started again from now on: everything is about to stop, and a signal may have reached it too. */
  letEnd(): void
  /** Tells it to drain and waits for its end; kills it after the deadline, if there is one. */
  stop(deadlineMs?: number): Promise<ProcessEnd>
  kill(): void
}

export type KeptProcessOptions = {
  /** The name that errors call it by. */
  name: string
  /** Starts it, with an IPC channel. Given what it said at its last readiness, so that it can keep its ports. */
  launch: (said: ReadyMessage | undefined) => ChildProcess
  /** Makes a message of its own words when it refuses to start. Default: as they are. */
  toText?: (message: string) => string
  onEvent: (event: KeptProcessEvent) => void
  restarts?: Partial<Restarts>
}

/** When it starts again: `firstMs` after its end if it stayed up for `healthyMs`, else later each time. */
type Restarts = BackOff & { healthyMs: number; troubleAfter: number }

// The first pause is short enough that one crash is hardly noticed.
const defaultRestarts: Restarts = { firstMs: 200, mostMs: 10_000, healthyMs: 30_000, troubleAfter: 5 }

export function keepProcess(options: KeptProcessOptions): KeptProcess {
  const { name, launch, toText = (message) => message, onEvent } = options
  const restarts = { ...defaultRestarts, ...options.restarts }
  const state: KeptState = { ready: false, restarts: 0 }
  const first = deferred()
  let child: ChildProcess | undefined
  let childEnd = deferred()
  let stopping = false
  let failures = 0
  let retry: NodeJS.Timeout | undefined
  let refusal: ServiceError | undefined
  let finalExit: string | undefined

  function start(): void {
    const startedMs = performance.now()
    refusal = undefined
    let drained = false
    const process = launch(state.said)
    child = process
    childEnd = deferred()
    if (process.pid !== undefined) state.pid = process.pid
    process.on('message', (message: ServiceMessage) => {
      if (message.type === 'ready') becomeReady(message)
      else if (message.type === 'failed') refusal = toError(message, toText)
      else if (message.type === 'drained') drained = true
    })
    process.once('error', (error) => ended(startedMs, error.message))
    // The channel must have closed too: only then has everything been read that the service said before its end.
    const closed = new Promise((resolve) => process.once('disconnect', resolve))
    process.once('exit', (code, signal) => {
      void closed.then(() => ended(startedMs, drained ? endedWithStatus(0) : (signal ?? endedWithStatus(code))))
    })
  }

  function becomeReady(said: ReadyMessage): void {
    Object.assign(state, { ready: true, said })
    first.resolve()
    onEvent({ kind: 'ready', restarts: state.restarts })
  }

  function ended(startedMs: number, how: string): void {
    if (child === undefined) return
    child = undefined
    state.ready = false
    delete state.pid
    childEnd.resolve()
    if (stopping) {
      finalExit = how
      first.reject(new Error(`${name} was stopped while starting`))
      return
    }
    state.lastExit = { at: new Date().toISOString(), how, ...(refusal !== undefined && { reason: refusal.message }) }
    if (state.said === undefined) {
      stopping = true
      first.reject(refusal ?? new Error(`${name} ended while starting (${how})`))
      return
    }
    failures = performance.now() - startedMs >= restarts.healthyMs ? 1 : failures + 1
    const nextTryMs = backOffMs(failures, restarts)
    state.restarts += 1
    onEvent({ kind: 'died', how, nextTryMs, restarts: state.restarts, ...(refusal !== undefined && { refusal }) })
    if (failures === restarts.troubleAfter) onEvent({ kind: 'gave_trouble', restarts: state.restarts })
    retry = setTimeout(start, nextTryMs)
  }

  function letEnd(): void {
    stopping = true
    clearTimeout(retry)
  }

  async function stop(deadlineMs?: number): Promise<ProcessEnd> {
    letEnd()
    const running = child
    let late = false
    if (running !== undefined) {
      running.kill('SIGTERM')
      const timer = deadlineMs === undefined ? undefined : setTimeout(() => (late = running.kill('SIGKILL')), deadlineMs)
      await childEnd.promise
      clearTimeout(timer)
    }
    if (finalExit === undefined) return state.said && state.lastExit ? { kind: 'dead', how: state.lastExit.how } : { kind: 'drained' }
    if (finalExit === endedWithStatus(0)) return { kind: 'drained' }
    return late && finalExit === 'SIGKILL' ? { kind: 'slow' } : { kind: 'died', how: finalExit }
  }

  start()
  return {
    started: first.promise,
    state: () => ({ ...state }),
    letEnd,
    stop,
    kill() {
      letEnd()
      child?.kill('SIGKILL')
    },
  }
}

function endedWithStatus(code: number | null): string {
  return `exit status ${code}`
}

function toError({ code, message, hint }: Extract<ServiceMessage, { type: 'failed' }>, toText: (message: string) => string): ServiceError {
  return new ServiceError((code in errorCodes ? code : 'internal') as ErrorCode, toText(message), hint === undefined ? {} : { hint })
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
