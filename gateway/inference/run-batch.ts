import { ServiceError } from '../../contracts/errors.ts'
import { haveRows, joinRows, splitRows } from './batch.ts'
import { RunFault } from './inference-thread.ts'
import type { SessionEntry } from './session-entry.ts'
import { countRows, type Job } from './session-queue.ts'
import type { Slot, ThreadPool } from './thread-pool.ts'
import { noRows } from './measure-session.ts'
import type { RunReply, SessionRun } from './worker-protocol.ts'

type Batch = { entry: SessionEntry; jobs: readonly Job[]; slot: Slot | undefined; pool: Pick<ThreadPool, 'run'> }

/** Runs jobs as one, in a thread or without `slot` on the event loop, and settles each. Never rejects. */
export async function runBatch(batch: Batch): Promise<void> {
  const { entry, jobs } = batch
  try {
    const reply = await run(batch)
    const rows = jobs.map(({ request }) => request.rows)
    entry.cost.seen(countRows(jobs), reply.runUs)
    // Runs without a plan are those of the measurement, which is no use of the session.
    if (entry.plan !== undefined) entry.batchRows.record(countRows(jobs))
    // An output may lack rows only for some requests, so that the measurement did not find it.
    if (entry.plan !== undefined && countRows(jobs) > 1 && !haveRows(reply.tensors, countRows(jobs))) return startRowByRow(entry, jobs)
    const parts = jobs.length === 1 ? [reply.tensors] : splitRows(reply.tensors, rows)
    if (parts === undefined) return runAlone(entry, jobs)
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
  const message = { inputs, outputs: jobs[0]!.request.outputs, rows: countRows(jobs), rowByRow: entry.rowByRow }
  if (slot === undefined) return runOnLoop(entry, message)
  let held: 'inThreads' | 'overdue' = 'inThreads'
  entry[held]++
  const onOverdue = () => {
    entry[held]--
    entry[(held = 'overdue')]++
  }
  const untilMs = Math.max(...jobs.map(({ request }) => request.deadlineAtMs))
  try {
    return await pool.run(slot, { sessionId: entry.spec.id, ...message }, { untilMs, onOverdue })
  } finally {
    entry[held]--
  }
}

async function runOnLoop(entry: SessionEntry, message: SessionRun): Promise<RunReply> {
  if (entry.inline === undefined) throw new ServiceError('inference_failed', 'the session ended')
  const run = entry.inline.run(message)
  entry.loopRun = run
  try {
    return await run
  } catch (error) {
    throw new RunFault(error instanceof Error ? error.message : String(error))
  } finally {
    entry.loopRun = undefined
  }
}

/** Runs each row by itself from here on. What a single request sent is gone: its buffers may have been moved to a thread. */
function startRowByRow(entry: SessionEntry, jobs: readonly Job[]): void {
  entry.rowByRow = true
  if (entry.plan !== undefined) entry.plan = { ...entry.plan, batching: noRows, rowByRow: true }
  if (jobs.length > 1) return runAlone(entry, jobs)
  for (const { reject } of jobs) reject(new ServiceError('inference_failed', noRows))
}

function runAlone(entry: SessionEntry, jobs: readonly Job[]): void {
  for (const job of jobs) job.alone = true
  entry.queue.putBack(jobs)
}
