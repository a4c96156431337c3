import type { SessionInfo, SessionSpec } from './inference.ts'
import type { Tensors } from '../tensors/tensor.ts'

export type LoadMessage = { kind: 'load'; spec: SessionSpec }
export type RunMessage = { kind: 'run'; sessionId: string } & SessionRun

/** One run of a session. Without `rowByRow` its rows run together, where the session takes several. */
export type SessionRun = { inputs: Tensors; outputs: readonly string[]; rows: number; rowByRow: boolean }

/** What the gateway's thread tells an inference thread. Every message but `close` is answered under its id. */
export type WorkerRequest = ((LoadMessage | RunMessage) & { id: number }) | { kind: 'close' }

export type RunReply = { tensors: Tensors; runUs: number }
export type WorkerReply = { id: number; status: 'ok'; result: SessionInfo | RunReply } | { id: number; status: 'failed'; message: string }

/** The bytes below which a copy costs both threads less than moving the buffer does (measured by `bench.ts`). */
const leastBytesToMove = 4096

/** The buffers to move to the other thread; the others are copied. */
export function buffersToMove(tensors: Tensors): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const { data } of Object.values(tensors)) {
    if (!Array.isArray(data) && data.byteLength >= leastBytesToMove) buffers.add(data.buffer as ArrayBuffer)
  }
  return [...buffers]
}
