import { readFile } from 'node:fs/promises'
import { InferenceSession, listSupportedBackends, Tensor as OrtTensor } from 'onnxruntime-node'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { hasLoop } from '../../platform/project/onnx-file.ts'
import { type HoldDevice, takesOneCallAtATime } from './device-lock.ts'
import { findMissingFile } from './provider-library.ts'
import type { SessionInfo, SessionSpec, TensorInfo } from './inference.ts'
import type { Tensor, Tensors, TensorType } from '../tensors/tensor.ts'
import { runRowByRow } from './run-rows.ts'
import type { RunReply, SessionRun } from './worker-protocol.ts'

/** A model in ONNX Runtime, in the thread that created it: `run()` is a synchronous native call. */
export type OnnxSession = {
  info: SessionInfo
  run(run: SessionRun): Promise<RunReply>
  release(): Promise<void>
}

/** Takes the first execution provider of the settings that works; rejects with every one's reason when none does. */
export async function createOnnxSession(spec: SessionSpec, holdDevice: HoldDevice): Promise<OnnxSession> {
  const bytes = await readFile(spec.modelFile)
  if (sha256Hex(bytes) !== spec.modelSha256) throw new Error('the model file changed after the project was read')
  const passedOver: string[] = []
  for (const provider of spec.settings.execution_providers) {
    const reason = absenceOf(provider)
    if (reason !== undefined) {
      passedOver.push(reason)
      continue
    }
    const hold: HoldDevice = takesOneCallAtATime(provider) ? holdDevice : (work) => work()
    try {
      const session = await hold(() => InferenceSession.create(bytes, toOptions(spec, provider)))
      return holding(hold, wrap(session, spec, { executionProvider: provider, passedOver, loops: hasLoop(bytes) }))
    } catch (error) {
      const message = findMissingFile(provider) ?? (error instanceof Error ? error.message : String(error))
      passedOver.push(`${provider}: ${message.trim()}`)
    }
  }
  throw new Error(passedOver.join('; '))
}

function absenceOf(provider: string): string | undefined {
  const offered = listSupportedBackends().map(({ name }) => name)
  if (offered.includes(provider)) return undefined
  return `${provider}: not in this build of ONNX Runtime, which has ${offered.join(', ')}`
}

/** The highest log level of ONNX Runtime, which has 0 to 4. */
const fatal = 4

function toOptions({ settings }: SessionSpec, provider: string): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    intraOpNumThreads: settings.intra_op_threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: settings.graph_optimization,
    // ONNX Runtime would also print the errors that it throws, and a line with each run of a file whose shapes are wrong.
    logSeverityLevel: fatal,
    // Threads that spin while they wait take the cores from the event loop.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  }
}

function holding(hold: HoldDevice, session: OnnxSession): OnnxSession {
  return { info: session.info, run: (run) => hold(() => session.run(run)), release: () => hold(() => session.release()) }
}

type ExaminedSession = Pick<SessionInfo, 'executionProvider' | 'passedOver' | 'loops'>

function wrap(session: InferenceSession, { rowShapes }: Pick<SessionSpec, 'rowShapes'>, found: ExaminedSession): OnnxSession {
  const runOnce = async (inputs: Tensors, outputs: readonly string[]) =>
    mapValues(await session.run(mapValues(inputs, toOrtTensor), [...outputs]), toTensor)
  return {
    info: {
      inputs: session.inputMetadata.map(toTensorInfo),
      outputs: session.outputMetadata.map(toTensorInfo),
      ...found,
    },
    async run({ inputs, outputs, rows, rowByRow }) {
      let startedAt = 0
      // ONNX Runtime computes in the very next immediate: what the thread does until then is not the model's time.
      setImmediate(() => (startedAt = performance.now()))
      const tensors =
        rowByRow || rowShapes !== undefined
          ? await runRowByRow((one) => runOnce(one, outputs), inputs, { rows, shapes: rowShapes ?? {} })
          : await runOnce(inputs, outputs)
      return { tensors, runUs: Math.round((performance.now() - startedAt) * 1000) }
    },
    release: () => session.release(),
  }
}

function toTensorInfo(metadata: InferenceSession.ValueMetadata): TensorInfo {
  if (!metadata.isTensor) return { name: metadata.name, type: 'not a tensor', shape: [] }
  return { name: metadata.name, type: metadata.type, shape: metadata.shape.map((size) => (typeof size === 'number' ? size : -1)) }
}

function toOrtTensor({ type, dims, data }: Tensor): OrtTensor {
  return new OrtTensor(type as 'float32', data as Float32Array, dims)
}

function toTensor({ type, dims, data }: OrtTensor): Tensor {
  return { type: type as TensorType, dims, data: type === 'float16' ? bitsOf(data as Uint16Array) : (data as Tensor['data']) }
}

/** The 16-bit elements of a tensor: from Node.js 24 on the runtime may give an array of numbers. */
function bitsOf({ buffer, byteOffset, length }: Uint16Array): Uint16Array {
  return new Uint16Array(buffer, byteOffset, length)
}

function mapValues<From, To>(record: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))
}
