import type { ModelDefinition } from '../../contracts/model-definition.ts'
import type { Distribution } from '../../platform/service/distribution.ts'
import type { Tensors } from '../tensors/tensor.ts'
import type { Cancellation } from '../bounds/cancellation.ts'

/** A model file's own word on one of its inputs or outputs. -1 is a variable dimension; `type` is the runtime's name for it. */
export type TensorInfo = { name: string; type: string; shape: readonly number[] }

export type SessionSpec = {
  /** The session's id, unique among the sessions of this engine. */
  id: string
  modelFile: string
  /** The bytes that are loaded must have this hash: the file may have changed since the project was read. */
  modelSha256: string
  settings: ModelDefinition['inference']
  /** The shape of each input in a run that takes one row only. Left out, the first dimension counts rows. */
  rowShapes?: Readonly<Record<string, readonly number[]>>
}

export type SessionInfo = {
  inputs: TensorInfo[]
  outputs: TensorInfo[]
  /** The first of the settings that works here. */
  executionProvider: string
  /** Why each provider before that one does not work. */
  passedOver: string[]
  /** Whether the graph has a Loop or a Scan: then how long a run takes may depend on what it is asked. */
  loops: boolean
}

export type RunRequest = {
  sessionId: string
  /** The inputs, which are given away: their buffers may be moved to another thread. */
  inputs: Tensors
  /** The names of the tensors to compute. */
  outputs: readonly string[]
  /** What bounds and batches count. Only inputs whose first dimension this is, all of them, are run together with others. */
  rows: number
  /** Unix milliseconds; what has not started by then is dropped with `deadline_exceeded`. */
  deadlineAtMs: number
  /** Takes the work out of the queue at once; the promise then rejects with its reason. */
  cancellation?: Cancellation
  /** Whether nobody waits for the result: then it runs when nothing else could. */
  background?: boolean
}

/** `runUs` is the time of the run that the rows were part of, `batchRows` its size; the rest of the call was waiting. */
export type RunResult = { tensors: Tensors; runUs: number; batchRows: number }

/** Real inputs of a session, to measure it with. */
export type Sample = Pick<RunRequest, 'inputs' | 'outputs' | 'rows'>

/** How a session is run, and what that was decided by. */
export type SessionPlan = {
  placement: 'inline' | 'worker'
  /** Why it runs there, in words. */
  reason: string
  /** Whether rows of several requests share a run, and if not, why. */
  batching: true | string
  /** Whether even the rows of one request have a run each. */
  rowByRow: boolean
  /** Median time of a run of one row, and of `maxBatchRows`. */
  oneRowUs: number
  batchUs: number
  maxBatchRows: number
  /** Median time that a run in a worker thread takes beyond the run itself. */
  handOverUs: number
}

/** How a session is doing; `batchRows` has the sizes of the runs since it was prepared. */
export type SessionStatus = {
  sessionId: string
  queuedRows: number
  running: number
  /** How many of its runs went on long after all deadlines: while there is one, the session takes no other. */
  overdue: number
  batchRows: Distribution
  plan: SessionPlan | undefined
}

/** Runs models without holding the event loop for long. All rejections are `ServiceError`s. */
export type InferenceEngine = {
  /** Creates a session, once per id. Rejects with `inference_failed` when the file is not the one expected or not a model. */
  load(spec: SessionSpec): Promise<SessionInfo>
  /** Measures a loaded session with the sample and decides how it is run from now on. */
  prepare(sessionId: string, sample: Sample): Promise<SessionPlan>
  /**
   * Computes the outputs of all rows, in one run that other requests' rows may share. Rejects with `inference_failed`,
   * with `deadline_exceeded`, or with `overloaded` when a queue is full or the answer would come after the deadline.
   */
  run(request: RunRequest): Promise<RunResult>
  /** Expected microseconds of a run of so many rows, without waiting; 0 when nothing is known. */
  estimateUs(sessionId: string, rows: number): number
  /** Ends a session and frees its memory; resolves when that is done. What is queued for it fails, what runs is finished. */
  unload(sessionId: string): Promise<void>
  status(): SessionStatus[]
  healthy(): boolean
  /** Resolves when all runs have ended but those that are overdue. */
  close(): Promise<void>
  /** Whether a run that is overdue would hold up the end of the process: no native call can be ended. */
  holdsProcess(): boolean
}
