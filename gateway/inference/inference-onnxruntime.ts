import { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import { ServiceError } from '../../contracts/errors.ts'
import type { InferenceEngine, RunRequest, RunResult, SessionInfo, SessionSpec } from './inference.ts'
import { buffersOf, type WorkerReply, type WorkerRequest } from './worker-protocol.ts'

type Pending = { resolve: (result: SessionInfo | RunResult) => void; reject: (error: ServiceError) => void }

/** Pause before a crashed thread is started again, doubled per crash in a row: long enough not to spin, short enough to miss. */
const restartDelayMs = { first: 20, longest: 5_000 }

/** ONNX Runtime in one worker thread. A crash of the thread fails the runs under way and starts it again with every session. */
export function createOnnxInference(deps: { logger: Logger; workerUrl?: URL }): InferenceEngine {
  const url = deps.workerUrl ?? new URL('./worker-onnxruntime.ts', import.meta.url)
  const pending = new Map<number, Pending>()
  const specs = new Map<string, SessionSpec>()
  let nextId = 1
  let crashes = 0
  let closing = false
  let restart: NodeJS.Timeout | undefined
  let worker = start()

  function start(): Worker {
    const started = new Worker(new URL('./start-worker.js', import.meta.url), { workerData: { entry: url.href }, name: 'inference' })
    started.on('message', settle)
    started.on('error', (error) => deps.logger.error({ err: error }, 'the inference thread failed'))
    started.on('exit', (code) => {
      if (!closing) recover(code)
    })
    return started
  }

  function settle(reply: WorkerReply): void {
    const waiting = pending.get(reply.id)
    pending.delete(reply.id)
    if (reply.status === 'ok') waiting?.resolve(reply.result)
    else if (reply.status === 'expired')
      waiting?.reject(new ServiceError('deadline_exceeded', 'the latency budget ran out before the model ran'))
    else waiting?.reject(new ServiceError('inference_failed', reply.message))
  }

  function recover(code: number): void {
    deps.logger.error({ exit_code: code, failed_runs: pending.size }, 'the inference thread ended; starting it again')
    failPending('the inference thread ended during the run')
    restarting = true
    const delayMs = Math.min(restartDelayMs.longest, restartDelayMs.first * 2 ** crashes++)
    restart = setTimeout(() => void resume(), delayMs)
  }

  let restarting = false
  async function resume(): Promise<void> {
    worker = start()
    try {
      await Promise.all([...specs.values()].map((spec) => send({ kind: 'load', spec })))
      restarting = false
      crashes = 0
    } catch (error) {
      // The thread's exit, if that is why, has already planned the next start.
      deps.logger.error({ err: error }, 'a model could not be loaded again')
    }
  }

  function send(message: { kind: 'load'; spec: SessionSpec } | { kind: 'run'; request: RunRequest }): Promise<SessionInfo | RunResult> {
    const id = nextId++
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject })
      post({ ...message, id }, message.kind === 'run' ? buffersOf(message.request.inputs) : [])
    })
  }

  function post(message: WorkerRequest, transfer: ArrayBuffer[] = []): void {
    worker.postMessage(message, transfer)
  }

  function failPending(message: string): void {
    for (const { reject } of pending.values()) reject(new ServiceError('inference_failed', message))
    pending.clear()
  }

  return {
    executionProvider: 'cpu',
    async load(spec) {
      const info = (await send({ kind: 'load', spec })) as SessionInfo
      specs.set(spec.id, spec)
      return info
    },
    async run(request) {
      if (restarting) throw new ServiceError('inference_failed', 'the inference thread is starting again')
      return (await send({ kind: 'run', request })) as RunResult
    },
    healthy: () => !restarting && !closing,
    async close() {
      closing = true
      clearTimeout(restart)
      const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
      if (worker.threadId === -1) return
      post({ kind: 'close' })
      await ended
    },
  }
}
