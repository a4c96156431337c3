import cluster from 'node:cluster'
import type { Logger } from 'pino'
import { type KeptProcess, type KeptState, keepProcess } from '../../platform/service/kept-process.ts'

export type WorkerState = KeptState & { writerId: string }

/** A gateway process of its own, started again whenever it ends, until it is stopped. */
export type Worker = Pick<KeptProcess, 'started' | 'stop'> & { state(): WorkerState }

export type WorkerOptions = { writerId: string; env: Record<string, string>; logger: Logger }

export function keepWorker({ writerId, env, logger }: WorkerOptions): Worker {
  const { started, stop, state } = keepProcess({
    name: `the worker ${writerId}`,
    launch: () => cluster.fork({ ...env, HINDSIGHT_WRITER_ID: writerId }).process,
    onEvent(event) {
      if (event.kind !== 'died') return
      const { how, nextTryMs, refusal } = event
      const cause = refusal && { err: refusal }
      logger.error({ writer_id: writerId, how, pause_ms: nextTryMs, ...cause }, 'a worker ended; starting it again')
    },
  })
  return { started, stop, state: () => ({ ...state(), writerId }) }
}

/** Has a worker drain when its parent is gone, as any service whose supervisor is gone: without this it would be ended at once. */
export function outliveParent(): void {
  if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true
}
