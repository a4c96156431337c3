import { ServiceError } from '../../contracts/errors.ts'
import type { InferenceEngine, RunRequest, SessionPlan } from '../inference/inference.ts'
import type { Tensors } from '../tensors/tensor.ts'

const plan: SessionPlan = {
  placement: 'worker',
  reason: 'for tests',
  batching: true,
  rowByRow: false,
  maxBatchRows: 64,
  oneRowUs: 30,
  batchUs: 60,
  handOverUs: 30,
}

/** Computes probability = (a + b) / 100 for input x of two columns, a missing one being 0, for tests. `next` says what the next runs do. */
export function createMemoryInference() {
  const runs: RunRequest[] = []
  const sessions = new Set<string>()
  const broken = new Set<string>()
  let behave: 'answer' | 'fail' | 'hang' | 'nan' = 'answer'

  const inference: InferenceEngine = {
    async load({ id }) {
      if (broken.has(id)) throw new ServiceError('inference_failed', 'the file is damaged')
      sessions.add(id)
      return {
        executionProvider: 'cpu',
        passedOver: [],
        loops: false,
        inputs: [{ name: 'x', type: 'float32', shape: [-1, 2] }],
        outputs: [{ name: 'probability', type: 'float64', shape: [-1, 1] }],
      }
    },
    async run(request) {
      if (!sessions.has(request.sessionId)) throw new ServiceError('inference_failed', `no session ${request.sessionId}`)
      runs.push(request)
      if (behave === 'fail') throw new ServiceError('inference_failed', 'the model raised an error')
      if (behave === 'hang') return new Promise(() => {})
      return { tensors: compute(request.inputs, behave === 'nan'), runUs: 30, batchRows: request.rows }
    },
    prepare: async () => plan,
    estimateUs: () => plan.oneRowUs,
    unload: async (id) => void sessions.delete(id),
    status: () => [],
    healthy: () => true,
    close: async () => {},
    holdsProcess: () => false,
  }
  return { inference, runs, sessions, broken, behave: (next: typeof behave) => void (behave = next) }
}

function compute(inputs: Tensors, nan: boolean): Tensors {
  const x = inputs['x']?.data as Float32Array
  const rows = x.length / 2
  const data = Float64Array.from({ length: rows }, (_, row) => (nan ? Number.NaN : ((x[row * 2] || 0) + (x[row * 2 + 1] || 0)) / 100))
  return { probability: { type: 'float64', dims: [rows, 1], data } }
}
