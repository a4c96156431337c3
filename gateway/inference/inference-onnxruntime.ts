import type { Logger } from 'pino'
import { ServiceError } from '../../contracts/errors.ts'
import { createDispatcher } from './dispatcher.ts'
import type { InferenceEngine, Sample } from './inference.ts'
import { prepareSession } from './prepare-session.ts'
import { createEntry, type SessionEntry } from './session-entry.ts'
import { createOnnxSession } from './session-onnxruntime.ts'
import { createThreadPool, withProvider } from './thread-pool.ts'

/** The longest that one run of a measurement may wait and take. */
const measureTimeoutMs = 30_000

/**
 * ONNX Runtime in a pool of worker threads and, for models that are done sooner than handed over, on the event loop.
 *
 * @example
 * ```ts
 * import { pino } from 'pino'
 * import { loadProject } from '../../platform/project/load-project.ts'
 * import { toSample } from './golden.ts'
 * import { createOnnxInference } from './inference-onnxruntime.ts'
 *
 * const model = (await loadProject('models')).models.get('flight-delay')!
 * const { manifest, modelFile, modelSha256 } = model.versions.get('2')!
 * const inference = createOnnxInference({ logger: pino({ level: 'silent' }), threads: 1, maxQueuedRows: 1_000 })
 * await inference.load({ id: 'flight-delay/2', modelFile, modelSha256, settings: model.definition.inference })
 * const sample = toSample(manifest)
 * const { tensors } = await inference.run({ sessionId: 'flight-delay/2', ...sample, deadlineAtMs: Date.now() + 10_000 })
 * Object.keys(tensors).length // => sample.outputs.length
 * await inference.close()
 * ```
 */
export function createOnnxInference(deps: {
  logger: Logger
  threads: number
  /** The most rows that may wait, of all sessions together. */
  maxQueuedRows: number
  /** What `createThreadPool` takes under this name. */
  overdueMs?: number
  workerUrl?: URL
}): InferenceEngine {
  const entries = new Map<string, SessionEntry>()
  let closing = false
  const pool = createThreadPool({
    logger: deps.logger,
    entry: deps.workerUrl ?? new URL('./worker-onnxruntime.ts', import.meta.url),
    threads: deps.threads,
    overdueMs: deps.overdueMs ?? 5_000,
    onFree: () => dispatcher.dispatch(),
  })
  const clocks = { now: Date.now, tick: () => performance.now() }
  const dispatcher = createDispatcher({ entries, pool, maxQueuedRows: deps.maxQueuedRows, ...clocks })

  function find(sessionId: string): SessionEntry {
    const entry = entries.get(sessionId)
    if (entry === undefined) throw new ServiceError('inference_failed', `no session ${sessionId}`)
    return entry
  }

  function requireThread({ inline, spec }: SessionEntry): void {
    if (inline !== undefined || pool.slots.some(({ state, sessions }) => state !== 'down' && sessions.has(spec.id))) return
    throw new ServiceError('inference_failed', 'the inference threads are starting again')
  }

  async function prepare(sessionId: string, sample: Sample) {
    const entry = find(sessionId)
    const runInThread = (inputs: Sample['inputs'], rows: number) =>
      dispatcher.submit(entry, { sessionId, inputs, outputs: sample.outputs, rows, deadlineAtMs: Date.now() + measureTimeoutMs })
    const plan = await prepareSession({ entry, sample, runInThread, createInline: () => createOnnxSession(entry.spec, (work) => work()) })
    entry.cost.measured({ ...plan, batchRows: plan.maxBatchRows })
    return (entry.plan = plan)
  }

  async function endInline(entry: SessionEntry): Promise<void> {
    const { inline } = entry
    entry.inline = undefined
    await entry.loopRun?.catch(() => {})
    await inline?.release()
  }

  return {
    async load(spec) {
      const info = await pool.load(spec)
      for (const reason of info.passedOver) deps.logger.warn({ session: spec.id }, `execution provider passed over: ${reason}`)
      entries.set(spec.id, createEntry(withProvider(spec, info), info))
      return info
    },
    prepare,
    async run(request) {
      const entry = find(request.sessionId)
      requireThread(entry)
      return dispatcher.submit(entry, request)
    },
    estimateUs: (sessionId, rows) => entries.get(sessionId)?.cost.of(rows) ?? 0,
    async unload(sessionId) {
      const entry = entries.get(sessionId)
      if (entry === undefined) return
      entries.delete(sessionId)
      for (const { reject } of entry.queue.takeAll()) reject(new ServiceError('inference_failed', 'the version was unloaded'))
      await Promise.all([endInline(entry), pool.unload(sessionId)])
    },
    status: () =>
      [...entries.values()].map(({ spec, queue, inThreads, loopRun, overdue, batchRows, plan }) => ({
        sessionId: spec.id,
        queuedRows: queue.rows,
        running: inThreads + overdue + (loopRun === undefined ? 0 : 1),
        overdue,
        batchRows,
        plan,
      })),
    healthy: () => !closing && pool.slots.some(({ state }) => state !== 'down'),
    async close() {
      closing = true
      await pool.close()
      await Promise.all([...entries.values()].map(endInline))
    },
    holdsProcess: () => pool.abandoned > 0,
  }
}
