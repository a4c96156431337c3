import cluster, { type Worker as ClusterWorker } from 'node:cluster'
import type { Logger } from 'pino'
import { type ErrorCode, errorCodes, ServiceError } from '../../contracts/errors.ts'
import type { ServiceMessage } from '../../platform/service/service.ts'

type Ready = Extract<ServiceMessage, { type: 'ready' }>

export type WorkerState = {
  writerId: string
  restarts: number
  /** As `exit status 1` or `SIGKILL`: how it last ended unasked. */
  lastExit?: string
  /** What it said when it was ready; undefined while it is not running. */
  ready?: Ready
}

/** A gateway process of its own, started again whenever it ends, until it is stopped. */
export type Worker = {
  /** Resolves at its first readiness; rejects when it ends before. */
  started: Promise<void>
  state(): WorkerState
  /** Lets it drain; true when it did. */
  stop(): Promise<boolean>
}

export type WorkerOptions = { writerId: string; env: Record<string, string>; logger: Logger }

/** One that stayed up for `healthyMs` starts again from `firstMs`, doubling to `maxMs`. */
const backoff = { firstMs: 200, maxMs: 10_000, healthyMs: 30_000 }

export function keepWorker({ writerId, env, logger }: WorkerOptions): Worker {
  const state: WorkerState = { writerId, restarts: 0 }
  let child: ClusterWorker | undefined
  let hasStarted = false
  let stopping = false
  let failures = 0
  let retry: NodeJS.Timeout | undefined
  let onEnd: (drained: boolean) => void = () => undefined
  let settle!: { resolve: () => void; reject: (error: Error) => void }
  const started = new Promise<void>((resolve, reject) => (settle = { resolve, reject }))
  started.catch(() => undefined)

  function launch(): void {
    const startedMs = performance.now()
    let refusal: ServiceError | undefined
    let drained = false
    const own = (child = cluster.fork({ ...env, HINDSIGHT_WRITER_ID: writerId }))
    own.on('message', (message: ServiceMessage) => {
      if (message.type === 'failed') refusal = toError(message)
      else if (message.type === 'ready') become(message)
      else drained = true
    })
    own.once('exit', (code, signal) => {
      child = undefined
      delete state.ready
      const how = signal === null ? `exit status ${code}` : String(signal)
      if (stopping) return onEnd(drained || code === 0)
      if (!hasStarted) return settle.reject(refusal ?? new Error(`the worker ${writerId} ended while starting (${how})`))
      startAgain(how, refusal, performance.now() - startedMs)
    })
  }

  function become(ready: Ready): void {
    state.ready = ready
    hasStarted = true
    settle.resolve()
  }

  function startAgain(how: string, refusal: ServiceError | undefined, upMs: number): void {
    failures = upMs >= backoff.healthyMs ? 1 : failures + 1
    const pauseMs = Math.min(backoff.maxMs, backoff.firstMs * 2 ** (failures - 1))
    Object.assign(state, { restarts: state.restarts + 1, lastExit: how })
    logger.error({ writer_id: writerId, how, pause_ms: pauseMs, ...(refusal && { err: refusal }) }, 'a worker ended; starting it again')
    retry = setTimeout(launch, pauseMs)
  }

  launch()
  return {
    started,
    state: () => ({ ...state }),
    stop() {
      stopping = true
      clearTimeout(retry)
      const running = child
      if (running === undefined) return Promise.resolve(true)
      running.process.kill('SIGTERM')
      return new Promise((resolve) => (onEnd = resolve))
    },
  }
}

function toError({ code, message, hint }: Extract<ServiceMessage, { type: 'failed' }>): ServiceError {
  return new ServiceError((code in errorCodes ? code : 'internal') as ErrorCode, message, hint === undefined ? {} : { hint })
}

/** Without its parent, a worker would be ended at once: it is to drain, as any service whose supervisor is gone. */
export function outliveParent(): void {
  if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true
}
