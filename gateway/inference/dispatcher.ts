import { ServiceError } from '../../contracts/errors.ts'
import { WouldBeLate } from '../bounds/would-be-late.ts'
import type { RunRequest, RunResult } from './inference.ts'
import { runBatch } from './run-batch.ts'
import { batchRowsOf, type SessionEntry, expectedWaitUs, fitsLoop, isSlow, sawWait, threadLimit } from './session-entry.ts'
import type { Job } from './session-queue.ts'
import type { Slot, ThreadPool } from './thread-pool.ts'

export type DispatcherDeps = {
  entries: ReadonlyMap<string, SessionEntry>
  pool: Pick<ThreadPool, 'slots' | 'run'>
  /** The most rows that may wait, of all sessions together. */
  maxQueuedRows: number
  /** The time in Unix milliseconds; `tick` is monotonic. */
  now: () => number
  tick: () => number
}

export type Dispatcher = {
  submit(entry: SessionEntry, request: RunRequest): Promise<RunResult>
  /** Starts waiting jobs wherever a thread or the event loop is free. */
  dispatch(): void
}

/**
 * Decides what runs where and when: what waits is bounded, shares runs, and goes by the time it came. Slow sessions
 * together, and any session alone, leave one thread to the others.
 */
export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { entries, pool } = deps
  const wait = createWait(dispatch)

  function submit(entry: SessionEntry, request: RunRequest): Promise<RunResult> {
    return new Promise((resolve, reject) => {
      const waitUs = expectedWaitUs(entry, pool.slots.length)
      refuse(entry, request, waitUs)
      const job: Job = { request, alone: false, queuedAt: deps.tick(), expectedWaitUs: waitUs, resolve, reject }
      entry.queue.push(job)
      leaveWhenCancelled(entry, job)
      dispatch()
    })
  }

  function refuse(entry: SessionEntry, request: RunRequest, waitUs: number): void {
    const { queue, spec, cost } = entry
    if (request.cancellation?.reason !== undefined) throw request.cancellation.reason
    if (entry.overdue > 0) throw new WouldBeLate('a run of the model does not end')
    const leftMs = request.deadlineAtMs - deps.now()
    if (leftMs <= 0) throw expired()
    if (queue.rows > 0 && queue.rows + request.rows > spec.settings.max_queue_rows) throw overloaded(`${queue.rows} rows wait already`)
    let queued = 0
    for (const other of entries.values()) queued += other.queue.rows
    if (queued > 0 && queued + request.rows > deps.maxQueuedRows) throw overloaded(`${queued} rows of all models wait already`)
    if (waitUs > 0 && (waitUs + cost.of(request.rows)) / 1000 > leftMs) throw new WouldBeLate('the model would not come to it in time')
  }

  function leaveWhenCancelled(entry: SessionEntry, job: Job): void {
    job.request.cancellation?.onCancel((reason) => {
      if (!entry.queue.remove(job)) return
      sawWait(entry, job.expectedWaitUs, (deps.tick() - job.queuedAt) * 1000)
      job.reject(reason)
    })
  }

  function dispatch(): void {
    for (const entry of entries.values()) if (mayStartOnLoop(entry)) start(entry, undefined)
    for (const slot of pool.slots) {
      if (slot.busy || slot.state !== 'up') continue
      const entry = next(slot)
      if (entry !== undefined) start(entry, slot)
    }
  }

  function mayStartOnLoop(entry: SessionEntry): boolean {
    return entry.loopRun === undefined && isDue(entry) && fitsLoop(entry)
  }

  /** The session whose next job came first, of those that may start in the slot; one that somebody waits for goes before one that nobody does. */
  function next(slot: Slot): SessionEntry | undefined {
    let best: SessionEntry | undefined
    for (const entry of entries.values()) if (mayStartIn(slot, entry) && (best === undefined || isBefore(entry, best))) best = entry
    return best
  }

  function mayStartIn(slot: Slot, entry: SessionEntry): boolean {
    const { head } = entry.queue
    if (head === undefined || entry.overdue > 0 || !slot.sessions.has(entry.spec.id) || fitsLoop(entry)) return false
    if (entry.inThreads >= threadLimit(entry, pool.slots.length)) return false
    return (!isSlow(entry) || slowInThreads() < Math.max(1, pool.slots.length - 1)) && isDue(entry)
  }

  function slowInThreads(): number {
    let count = 0
    for (const entry of entries.values()) if (isSlow(entry)) count += entry.inThreads
    return count
  }

  /** Whether the session's next job need not wait for others to share its run; if it must, it is looked at again when the time comes. */
  function isDue(entry: SessionEntry): boolean {
    const { queue, spec } = entry
    if (queue.head === undefined) return false
    const delayUs = spec.settings.max_queue_delay_us
    if (delayUs === 0 || queue.head.alone || queue.rows >= batchRowsOf(entry)) return true
    const leftUs = delayUs - (deps.tick() - queue.head.queuedAt) * 1000
    if (leftUs > 0) wait(leftUs)
    return leftUs <= 0
  }

  function start(entry: SessionEntry, slot: Slot | undefined): void {
    const taken = entry.queue.take(batchRowsOf(entry))
    const startedAt = deps.tick()
    for (const job of taken) sawWait(entry, job.expectedWaitUs, (startedAt - job.queuedAt) * 1000)
    const jobs = taken.filter((job) => !hasExpired(job))
    if (jobs.length === 0) return dispatch()
    void runBatch({ entry, jobs, slot, pool }).finally(dispatch)
  }

  function hasExpired(job: Job): boolean {
    if (job.request.deadlineAtMs > deps.now()) return false
    job.reject(expired())
    return true
  }

  return { submit, dispatch }
}

function isBefore(one: SessionEntry, other: SessionEntry): boolean {
  const [a, b] = [one.queue.head!, other.queue.head!]
  const [aBehind, bBehind] = [a.request.background === true, b.request.background === true]
  return aBehind === bBehind ? a.queuedAt < b.queuedAt : bBehind
}

function expired(): ServiceError {
  return new ServiceError('deadline_exceeded', 'the latency budget ran out before the model ran')
}

function overloaded(message: string): ServiceError {
  return new ServiceError('overloaded', message)
}

/** Calls back after a time, once for all that ask meanwhile. A timer counts whole milliseconds; turns of the loop fill the rest. */
function createWait(callback: () => void): (us: number) => void {
  let pending = false
  const done = () => {
    pending = false
    callback()
  }
  return (us) => {
    if (pending) return
    pending = true
    if (us < 1000) setImmediate(done)
    else setTimeout(done, Math.floor(us / 1000))
  }
}
