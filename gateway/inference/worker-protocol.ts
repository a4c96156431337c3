import type { RunRequest, RunResult, SessionInfo, SessionSpec, Tensors } from './inference.ts'

/** What the gateway's thread tells the inference thread. Every message but `close` is answered under its id. */
export type WorkerRequest =
  | { kind: 'load'; id: number; spec: SessionSpec }
  | { kind: 'run'; id: number; request: RunRequest }
  | { kind: 'close' }

export type WorkerReply =
  | { id: number; status: 'ok'; result: SessionInfo | RunResult }
  | { id: number; status: 'expired' }
  | { id: number; status: 'failed'; message: string }

/** The buffers of typed arrays are moved between threads, not copied. */
export function buffersOf(tensors: Tensors): ArrayBuffer[] {
  return Object.values(tensors).flatMap(({ data }) => (Array.isArray(data) ? [] : [data.buffer as ArrayBuffer]))
}
