import { InferenceSession, Tensor } from 'onnxruntime-node'

/** Probabilities of being late for rows of features in the version's order; NaN is missing. */
export type Scorer = (rows: readonly (readonly number[])[]) => Promise<Float32Array>

/** Opens one version of flight-delay: for training and comparison, not for serving. */
export async function openScorer(modelFile: string, features: readonly string[]): Promise<Scorer> {
  const session = await InferenceSession.create(modelFile, { intraOpNumThreads: 1 })
  return async (rows) => {
    const input = new Tensor('float32', Float32Array.from(rows.flat()), [rows.length, features.length])
    const { probabilities } = await session.run({ features: input }, ['probabilities'])
    const data = probabilities!.data as Float32Array
    return Float32Array.from({ length: rows.length }, (_, row) => data[row * 2 + 1]!)
  }
}
