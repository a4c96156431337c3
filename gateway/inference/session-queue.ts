import { canJoin } from './batch.ts'
import type { RunRequest, RunResult } from './inference.ts'

/** A request that waits for its run. */
export type Job = {
  request: RunRequest
  /** Whether the job must run by itself, because a run that it shared has failed. */
  alone: boolean
  /** The moment at which the job was queued, in monotonic milliseconds. */
  queuedAt: number
  expectedWaitUs: number
  resolve: (result: RunResult) => void
  reject: (error: unknown) => void
}

/** The jobs that wait for one session. Those that nobody waits for stand behind the rest, whenever they came. */
export type SessionQueue = {
  readonly rows: number
  /** The job whose turn is next. */
  readonly head: Job | undefined
  push(job: Job): void
  /** Puts jobs back to the front, in this order. */
  putBack(jobs: readonly Job[]): void
  /** Removes a job; false when it was not in the queue. */
  remove(job: Job): boolean
  /** The head, and with it what may share its run up to so many rows. A request's rows stay together, whatever their number. */
  take(maxRows: number): Job[]
  takeAll(): Job[]
}

export function createSessionQueue(): SessionQueue {
  let foreground: Job[] = []
  let background: Job[] = []
  let rows = 0
  const queueOf = (job: Job) => (job.request.background === true ? background : foreground)

  function took(jobs: Job[]): Job[] {
    rows -= countRows(jobs)
    return jobs
  }

  return {
    get rows() {
      return rows
    },
    get head() {
      return foreground[0] ?? background[0]
    },
    push(job) {
      rows += job.request.rows
      queueOf(job).push(job)
    },
    putBack(jobs) {
      rows += countRows(jobs)
      for (const job of jobs.toReversed()) queueOf(job).unshift(job)
    },
    remove(job) {
      const position = queueOf(job).indexOf(job)
      if (position !== -1) took(queueOf(job).splice(position, 1))
      return position !== -1
    },
    take(maxRows) {
      const batch = [...takeFrom(foreground, [], maxRows)]
      if (foreground.length === 0) batch.push(...takeFrom(background, batch, maxRows))
      return took(batch)
    },
    takeAll() {
      const all = [...foreground, ...background]
      foreground = []
      background = []
      return took(all)
    },
  }
}

/** Removes from the front of a line what may join a batch. */
function takeFrom(line: Job[], batch: readonly Job[], maxRows: number): Job[] {
  const first = batch[0] ?? line[0]
  let room = maxRows - countRows(batch)
  let count = 0
  for (const job of line) {
    const starts = batch.length === 0 && count === 0
    if (!starts && (job.alone || first?.alone === true || job.request.rows > room || !canJoin(first!.request, job.request))) break
    room -= job.request.rows
    count++
  }
  return line.splice(0, count)
}

export function countRows(jobs: readonly Job[]): number {
  return jobs.reduce((sum, { request }) => sum + request.rows, 0)
}
