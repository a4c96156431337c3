import type { z } from 'zod'
import type { tensorType } from '../../contracts/version-manifest.ts'

export type TensorType = z.infer<typeof tensorType>
export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | string[]
/** Row-major; bool is one byte per element. */
export type Tensor = { type: TensorType; dims: readonly number[]; data: TensorData }
export type Tensors = Record<string, Tensor>

/** A model file's own word on one of its inputs or outputs. -1 is a variable dimension; `type` is the runtime's name for it. */
export type TensorInfo = { name: string; type: string; shape: readonly number[] }
export type SessionInfo = { inputs: TensorInfo[]; outputs: TensorInfo[] }

export type SessionSpec = {
  /** Unique among the sessions of this engine. */
  id: string
  modelFile: string
  /** The bytes that are loaded must have this hash: the file may have changed since the project was read. */
  modelSha256: string
  intraOpThreads: number
}

export type RunRequest = {
  sessionId: string
  inputs: Tensors
  /** Names of the tensors to compute. */
  outputs: readonly string[]
  /** Unix milliseconds; work that has not started by then is dropped with `deadline_exceeded`. */
  deadlineAtMs: number
}

/** `runUs` is the model's own time; the rest of the call was waiting. */
export type RunResult = { tensors: Tensors; runUs: number }

/** Runs models away from the event loop. */
export type InferenceEngine = {
  /** As stored in prediction events: where the numbers were computed. */
  readonly executionProvider: string
  /** Creates a session once; it lives until `close`. Rejects when the file is not the one expected or not a model. */
  load(spec: SessionSpec): Promise<SessionInfo>
  /** One run of all rows. Rejects with `inference_failed` or `deadline_exceeded`. The input tensors' buffers are given away. */
  run(request: RunRequest): Promise<RunResult>
  healthy(): boolean
  close(): Promise<void>
}
