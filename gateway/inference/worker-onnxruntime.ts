import { readFile } from 'node:fs/promises'
import { parentPort } from 'node:worker_threads'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import type { RunRequest, RunResult, SessionInfo, SessionSpec, Tensor, TensorInfo, TensorType } from './inference.ts'
import { buffersOf, type WorkerReply, type WorkerRequest } from './worker-protocol.ts'

/** Entry of the inference thread: `run()` is a synchronous native call, and here it blocks nobody else. */
const sessions = new Map<string, InferenceSession>()
const port = parentPort
if (port === null) throw new Error('this file runs as a worker thread')
const send = port.postMessage.bind(port)
const stopListening = port.close.bind(port)

/** One message after the other: a run would block the thread anyway, and order keeps deadlines fair. */
let queue = Promise.resolve()
port.on('message', (message: WorkerRequest) => {
  queue = queue.then(() => handle(message))
})

async function handle(message: WorkerRequest): Promise<void> {
  if (message.kind === 'close') return shutDown()
  try {
    if (message.kind === 'load') reply({ id: message.id, status: 'ok', result: await load(message.spec) })
    else if (Date.now() >= message.request.deadlineAtMs) reply({ id: message.id, status: 'expired' })
    else {
      const result = await run(message.request)
      reply({ id: message.id, status: 'ok', result }, buffersOf(result.tensors))
    }
  } catch (error) {
    reply({ id: message.id, status: 'failed', message: error instanceof Error ? error.message : String(error) })
  }
}

function reply(message: WorkerReply, transfer: ArrayBuffer[] = []): void {
  send(message, transfer)
}

async function load(spec: SessionSpec): Promise<SessionInfo> {
  const bytes = await readFile(spec.modelFile)
  if (sha256Hex(bytes) !== spec.modelSha256) throw new Error('the model file changed after the project was read')
  // From bytes, not from a path: a session without a path cannot follow external data to other files.
  const session = await InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: spec.intraOpThreads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
  })
  sessions.set(spec.id, session)
  return { inputs: session.inputMetadata.map(toTensorInfo), outputs: session.outputMetadata.map(toTensorInfo) }
}

function toTensorInfo(metadata: InferenceSession.ValueMetadata): TensorInfo {
  if (!metadata.isTensor) return { name: metadata.name, type: 'not a tensor', shape: [] }
  return { name: metadata.name, type: metadata.type, shape: metadata.shape.map((size) => (typeof size === 'number' ? size : -1)) }
}

async function run(request: RunRequest): Promise<RunResult> {
  const startedAt = performance.now()
  const session = sessions.get(request.sessionId)
  if (session === undefined) throw new Error(`no session ${request.sessionId}`)
  const feeds = Object.fromEntries(Object.entries(request.inputs).map(([name, tensor]) => [name, toOrtTensor(tensor)]))
  const results = await session.run(feeds, [...request.outputs])
  const tensors = Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, toTensor(tensor)]))
  return { tensors, runUs: Math.round((performance.now() - startedAt) * 1000) }
}

function toOrtTensor({ type, dims, data }: Tensor): OrtTensor {
  return new OrtTensor(type as 'float32', data as Float32Array, dims)
}

function toTensor(tensor: OrtTensor): Tensor {
  return { type: tensor.type as TensorType, dims: tensor.dims, data: tensor.data as Tensor['data'] }
}

async function shutDown(): Promise<void> {
  for (const session of sessions.values()) await session.release()
  sessions.clear()
  stopListening()
}
