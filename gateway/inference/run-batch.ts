import { ServiceError } from '../../contracts/errors.ts'
import { joinRows, splitRows } from './batch.ts'
import { RunFault } from './inference-thread.ts'
import type { Entry } from './session-entry.ts'
import { countRows, type Job } from './session-queue.ts'
import type { OnnxSession } from './session-onnxruntime.ts'
import type { Slot, ThreadPool } from './thread-pool.ts'
import type { RunReply } from './worker-protocol.ts'

type Batch = { entry: Entry; jobs: readonly Job[]; slot: Slot | undefined; pool: Pick<ThreadPool, 'run'> }

/** Runs jobs as one, in a thread or without `slot` on the event loop, and settles each. Never rejects. */
export async function runBatch(batch: Batch): Promise<void> {
  const { entry, jobs } = batch
  try {
    const reply = await run(batch)
    const rows = jobs.map(({ request }) => request.rows)
    entry.cost.seen(countRows(jobs), reply.runUs)
    // Before it is planned, it is measured.
    if (entry.plan !== undefined) entry.batchRows.record(countRows(jobs))
    const parts = jobs.length === 1 ? [reply.tensors] : splitRows(reply.tensors, rows)
    if (parts === undefined) return runAlone(entry, jobs, 'an output does not have a row for each row of input')
    for (const [index, job] of jobs.entries()) {
      job.resolve({ tensors: parts[index]!, runUs: reply.runUs, batchRows: countRows(jobs) })
    }
  } catch (error) {
    // One request may be why the run failed: the others must not suffer for it.
    if (error instanceof RunFault && jobs.length > 1) return runAlone(entry, jobs)
    for (const { reject } of jobs) reject(error)
  }
}

async function run({ entry, jobs, slot, pool }: Batch): Promise<RunReply> {
  const inputs = joinRows(jobs.map(({ request }) => request))
  const { outputs } = jobs[0]!.request
  if (slot === undefined) return runOnLoop(entry, inputs, outputs)
  let held: 'inThreads' | 'overdue' = 'inThreads'
  entry[held]++
  const onOverdue = () => {
    entry[held]--
    entry[(held = 'overdue')]++
  }
  const untilMs = Math.max(...jobs.map(({ request }) => request.deadlineAtMs))
  try {
    return await pool.run(slot, { sessionId: entry.spec.id, inputs, outputs }, { untilMs, onOverdue })
  } finally {
    entry[held]--
  }
}

async function runOnLoop(entry: Entry, ...of: Parameters<OnnxSession['run']>): Promise<RunReply> {
  if (entry.inline === undefined) throw new ServiceError('inference_failed', 'the session ended')
  const run = entry.inline.run(...of)
  entry.loopRun = run
  try {
    return await run
  } catch (error) {
    throw new RunFault(error instanceof Error ? error.message : String(error))
  } finally {
    entry.loopRun = undefined
  }
}

function runAlone(entry: Entry, jobs: readonly Job[], because?: string): void {
  if (because !== undefined && entry.plan !== undefined) entry.plan = { ...entry.plan, batching: because }
  for (const job of jobs) job.alone = true
  entry.queue.putBack(jobs)
}
