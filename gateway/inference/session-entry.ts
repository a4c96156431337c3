import { createDistribution, type Distribution } from '../../platform/service/distribution.ts'
import { type Cost, createCost } from './cost.ts'
import type { SessionInfo, SessionPlan, SessionSpec } from './inference.ts'
import { createSessionQueue, type SessionQueue } from './session-queue.ts'
import type { OnnxSession } from './session-onnxruntime.ts'
import { takesOneCallAtATime } from './device-lock.ts'

/** The time from which on a run is slow: slow sessions together leave a thread to the others. */
const slowRunUs = 5_000
/** The longest that a run may hold the event loop. */
export const longestInlineUs = 1_000

const batchBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

/** What the engine knows of one session. */
export type SessionEntry = {
  spec: SessionSpec
  /** What `SessionInfo` says under the same name, as does `executionProvider`. */
  loops: boolean
  executionProvider: string
  queue: SessionQueue
  cost: Cost
  /** How many rows each run had. */
  batchRows: Distribution
  plan: SessionPlan | undefined
  /** Whether every row runs by itself, because rows do not come out of a shared run as they do alone, or no run takes several. */
  rowByRow: boolean
  /** The session of the event loop's own thread, where the plan wants one. */
  inline: OnnxSession | undefined
  /** How many runs are in threads now; `loopRun` is the one on the event loop. */
  inThreads: number
  loopRun: Promise<unknown> | undefined
  /** How many runs went on long after all deadlines, so that their threads were given up. */
  overdue: number
  /** How much longer jobs have waited than the queue ahead of them alone explains: other sessions hold threads too. */
  stretch: number
}

export function createEntry(
  spec: SessionSpec,
  { loops, executionProvider }: Pick<SessionInfo, 'loops' | 'executionProvider'>,
): SessionEntry {
  return {
    spec,
    loops,
    executionProvider,
    queue: createSessionQueue(),
    cost: createCost(),
    batchRows: createDistribution(batchBounds),
    plan: undefined,
    inline: undefined,
    rowByRow: spec.rowShapes !== undefined,
    inThreads: 0,
    loopRun: undefined,
    overdue: 0,
    stretch: 1,
  }
}

/** The most rows of a batch of this session. */
export function batchRowsOf({ spec, plan }: SessionEntry): number {
  return plan !== undefined && plan.batching !== true ? 1 : spec.settings.max_batch_rows
}

export function isSlow({ cost }: SessionEntry): boolean {
  return cost.of(1) >= slowRunUs
}

/** The most threads that this session may hold at once: one is always left to the others, and more than one would only wait for the device. */
export function threadLimit({ spec, executionProvider }: SessionEntry, threads: number): number {
  if (takesOneCallAtATime(executionProvider)) return 1
  return Math.max(1, Math.min(spec.settings.max_threads ?? threads, threads - 1))
}

/**
 * Whether the batch that is next may run on the event loop: where that was planned, and while its run is expected to hold the loop no
 * longer than it may. What a message to a thread costs the loop, in sending and in being told, is of the order of such a run.
 */
export function fitsLoop(entry: SessionEntry): boolean {
  const { inline, plan, cost, queue } = entry
  if (inline === undefined || plan === undefined || queue.head === undefined) return false
  const rows = Math.max(queue.head.request.rows, Math.min(queue.rows, batchRowsOf(entry)))
  return cost.of(rows) <= longestInlineUs
}

/** The expected microseconds until one more job of this session would start. */
export function expectedWaitUs(entry: SessionEntry, threads: number): number {
  const { queue, cost } = entry
  const batchRows = batchRowsOf(entry)
  const full = Math.floor(queue.rows / batchRows)
  const places = entry.inline === undefined ? threadLimit(entry, threads) : 1
  const held = entry.loopRun !== undefined || entry.inThreads >= places
  if (!held && queue.rows === 0) return 0
  // Half of the run under way is left on average.
  return ((held ? cost.of(Math.min(batchRows, Math.max(1, queue.rows))) / 2 : 0) + (full * cost.of(batchRows)) / places) * entry.stretch
}

/** Weight of one observed wait, and the bounds of what is concluded from them. */
const stretchWeight = 0.1
const longestStretch = 16

/** Learns from how long a job did wait. */
export function sawWait(entry: SessionEntry, expectedUs: number, waitedUs: number): void {
  if (expectedUs < 100) return
  const unstretched = expectedUs / entry.stretch
  const ratio = Math.min(longestStretch, Math.max(1, waitedUs / unstretched))
  entry.stretch += stretchWeight * (ratio - entry.stretch)
}
