import { Worker } from 'node:worker_threads'
import { ServiceError } from '../../contracts/errors.ts'
import { createDeviceLock, freeDevice } from './device-lock.ts'
import type { SessionInfo, SessionSpec } from './inference.ts'
import { buffersToMove, type LoadMessage, type RunMessage, type RunReply, type WorkerReply } from './worker-protocol.ts'

/** A model refused its inputs: the thread and its other sessions are well. */
export class RunFault extends ServiceError {
  constructor(message: string) {
    super('inference_failed', message)
  }
}

/** One worker thread with sessions of its own. */
export type InferenceThread = {
  load(spec: SessionSpec): Promise<SessionInfo>
  /** Rejects with `RunFault` when the model does, with another `inference_failed` when the thread ends. */
  run(message: Omit<RunMessage, 'kind'>): Promise<RunReply>
  /** Resolves with the exit code when the thread has ended, however it came to that. */
  readonly ended: Promise<number>
  /** Lets the runs under way finish, then ends the thread. Does not wait for one that was given up. */
  close(): Promise<void>
  /**
   * Gives up on a run: the native call cannot be ended. What else waits for the thread is rejected, the run itself when it
   * ends, and the thread with it.
   */
  abandon(): void
  readonly abandoned: boolean
}

/** One lock for the whole process, as there is one driver of the device. */
const deviceLock = createDeviceLock()

type Pending = {
  kind: (LoadMessage | RunMessage)['kind']
  resolve: (result: SessionInfo | RunReply) => void
  reject: (error: ServiceError) => void
}

export function startInferenceThread(options: { entry: URL; onError: (error: unknown) => void }): InferenceThread {
  const workerData = { entry: options.entry.href, deviceLock }
  const worker = new Worker(new URL('./start-worker.js', import.meta.url), { workerData, name: 'inference' })
  const { threadId } = worker
  const pending = new Map<number, Pending>()
  let nextId = 1
  let idle: (() => void) | undefined
  let over = false
  let abandoned = false

  worker.on('message', (reply: WorkerReply) => {
    const waiting = pending.get(reply.id)
    pending.delete(reply.id)
    if (reply.status === 'ok') waiting?.resolve(reply.result)
    else waiting?.reject(new RunFault(reply.message))
    if (pending.size === 0) idle?.()
  })
  worker.on('error', options.onError)
  const ended = new Promise<number>((resolve) => worker.once('exit', resolve)).then((code) => {
    over = true
    freeDevice(deviceLock, threadId)
    for (const { reject } of pending.values()) reject(new ServiceError('inference_failed', 'the inference thread ended during the run'))
    pending.clear()
    idle?.()
    return code
  })

  function send(message: LoadMessage | RunMessage): Promise<SessionInfo | RunReply> {
    const id = nextId++
    return new Promise((resolve, reject) => {
      if (over || abandoned) return reject(new ServiceError('inference_failed', 'the inference thread has ended'))
      pending.set(id, { kind: message.kind, resolve, reject })
      worker.postMessage({ ...message, id }, message.kind === 'run' ? buffersToMove(message.inputs) : [])
    })
  }

  return {
    load: async (spec) => (await send({ kind: 'load', spec })) as SessionInfo,
    run: async (message) => (await send({ kind: 'run', ...message })) as RunReply,
    ended,
    get abandoned() {
      return abandoned
    },
    abandon() {
      abandoned = true
      for (const [id, { kind, reject }] of pending) {
        if (kind === 'run') continue
        pending.delete(id)
        reject(new ServiceError('inference_failed', 'the inference thread is held by a run that does not end'))
      }
      worker.postMessage({ kind: 'close' })
      worker.unref()
      idle?.()
    },
    async close() {
      if (abandoned) return
      if (pending.size > 0) await new Promise<void>((resolve) => (idle = resolve))
      if (abandoned) return
      if (!over) worker.postMessage({ kind: 'close' })
      await ended
    },
  }
}
