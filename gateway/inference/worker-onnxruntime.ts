import { parentPort, threadId, workerData } from 'node:worker_threads'
import { createHoldDevice, type DeviceLock } from './device-lock.ts'
import { createOnnxSession, type OnnxSession } from './session-onnxruntime.ts'
import { buffersToMove, type RunMessage, type WorkerReply, type WorkerRequest } from './worker-protocol.ts'

/** Entry of an inference thread: here a run, which is a synchronous native call, holds nobody else. */
const sessions = new Map<string, OnnxSession>()
const port = parentPort
if (port === null) throw new Error('this file runs as a worker thread')
const send = port.postMessage.bind(port)
const { deviceLock } = workerData as { deviceLock: DeviceLock }
const hold = createHoldDevice({ lock: deviceLock, threadId })
const stopListening = port.close.bind(port)

port.on('message', (message: WorkerRequest) => void handle(message))

async function handle(message: WorkerRequest): Promise<void> {
  if (message.kind === 'close') return shutDown()
  try {
    if (message.kind === 'load') {
      const session = await createOnnxSession(message.spec, hold)
      sessions.set(message.spec.id, session)
      reply({ id: message.id, status: 'ok', result: session.info })
    } else {
      const result = await run(message)
      reply({ id: message.id, status: 'ok', result }, buffersToMove(result.tensors))
    }
  } catch (error) {
    reply({ id: message.id, status: 'failed', message: error instanceof Error ? error.message : String(error) })
  }
}

function reply(message: WorkerReply, transfer: ArrayBuffer[] = []): void {
  send(message, transfer)
}

async function run({ sessionId, ...message }: RunMessage) {
  const session = sessions.get(sessionId)
  if (session === undefined) throw new Error(`no session ${sessionId}`)
  return session.run(message)
}

async function shutDown(): Promise<void> {
  for (const session of sessions.values()) await session.release()
  sessions.clear()
  stopListening()
}
