import type { ModelDefinition } from '../../contracts/model-definition.ts'
import { createDispatcher } from '../inference/dispatcher.ts'
import { RunFault } from '../inference/inference-thread.ts'
import type { RunRequest, SessionSpec } from '../inference/inference.ts'
import { createEntry } from '../inference/session-entry.ts'
import type { Slot } from '../inference/thread-pool.ts'
import type { RunMessage, RunReply } from '../inference/worker-protocol.ts'
import { specOf } from './onnx-session.ts'

type TestSlot = { -readonly [Key in keyof Slot]: Slot[Key] }
type Run = Omit<RunMessage, 'kind'> & { rowsOfJobs: number }

/** A dispatcher over threads that give their inputs back, when `finish` says so, on a clock that goes when told to. */
export function createTestDispatcher(
  settings: Partial<ModelDefinition['inference']> = {},
  options: { threads?: number; maxQueuedRows?: number; sessions?: SessionSpec[]; runUs?: number; quick?: string[] } = {},
) {
  const sessions = options.sessions ?? [specOf('logistic')]
  const entries = new Map(
    sessions.map((spec) => {
      const entry = createEntry({ ...spec, settings: { ...spec.settings, ...settings } }, { loops: false, executionProvider: 'cpu' })
      const runUs = options.quick?.includes(spec.id) === true ? 50 : (options.runUs ?? 50)
      const maxBatchRows = entry.spec.settings.max_batch_rows
      const figures = { oneRowUs: runUs, batchUs: runUs, maxBatchRows, handOverUs: 30 }
      entry.plan = { placement: 'worker', reason: 'for tests', batching: true, rowByRow: false, ...figures }
      entry.cost.measured({ ...figures, batchRows: maxBatchRows })
      return [spec.id, entry]
    }),
  )
  const ids = new Set(entries.keys())
  const slots = Array.from({ length: options.threads ?? 1 }, (): TestSlot => ({ sessions: ids, state: 'up', busy: false }))
  const runs: Run[] = []
  const underWay: (() => void)[] = []
  let poisoned = Number.NaN
  let clockMs = 1_000_000

  function run(slot: TestSlot, message: Omit<RunMessage, 'kind'>): Promise<RunReply> {
    slot.busy = true
    runs.push({ ...message, rowsOfJobs: message.inputs['x']?.dims[0] ?? 0 })
    return new Promise((resolve, reject) => {
      underWay.push(() => {
        slot.busy = false
        const values = message.inputs['x']?.data as Float32Array
        if (values.includes(poisoned)) reject(new RunFault('poisoned'))
        else resolve({ tensors: message.inputs, runUs: options.runUs ?? 50 })
      })
    })
  }

  const dispatcher = createDispatcher({
    entries,
    pool: { slots, run },
    maxQueuedRows: options.maxQueuedRows ?? 1000,
    now: () => clockMs,
    tick: () => clockMs,
  })
  return {
    runs,
    submit: (request: RunRequest) => dispatcher.submit(entries.get(request.sessionId)!, { ...request, deadlineAtMs: deadlineOf(request) }),
    /** Ends the oldest run. */
    async finish() {
      underWay.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
    underWay: () => underWay.length,
    poison: (value: number) => void (poisoned = value),
    advance: (ms: number) => void (clockMs += ms),
    nowMs: () => clockMs,
  }

  /** The deadline of a request; one that names none has a minute of this clock. */
  function deadlineOf({ deadlineAtMs }: RunRequest): number {
    return deadlineAtMs > clockMs + 1e9 ? clockMs + 60_000 : deadlineAtMs
  }
}

/** The outcome of a promise. Throws at once when it still waits though everything has gone on that can. */
export async function ended<T>(promise: Promise<T>): Promise<T> {
  const nothingMore = new Promise<never>((_, reject) => setImmediate(() => reject(new Error('it still waits'))))
  return await Promise.race([promise, nothingMore])
}
