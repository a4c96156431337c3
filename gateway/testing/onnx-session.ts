import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { modelDefinition, type ModelDefinition } from '../../contracts/model-definition.ts'
import type { InferenceEngine, RunRequest, SessionSpec } from '../inference/inference.ts'
import type { Tensors } from '../tensors/tensor.ts'
import { testModel } from './test-project.ts'

/** A session of a fixture, with settings as model.yaml has them when it says nothing else. */
export function specOf(fixture: string, settings: Partial<ModelDefinition['inference']> = {}): SessionSpec {
  const modelFile = fileURLToPath(new URL(`./fixtures/${fixture}.onnx`, import.meta.url))
  const { inference } = modelDefinition.parse({ ...testModel, inference: settings })
  return { id: fixture, modelFile, modelSha256: sha256Hex(readFileSync(modelFile)), settings: inference }
}

/** What the fixture `logistic` is asked for rows of two numbers, and what it computes. */
export function logisticRequest(values: readonly (readonly [number, number])[], options: Partial<RunRequest> = {}): RunRequest {
  const inputs: Tensors = { x: { type: 'float32', dims: [values.length, 2], data: Float32Array.from(values.flat()) } }
  return { sessionId: 'logistic', inputs, outputs: ['probability'], rows: values.length, deadlineAtMs: Date.now() + 10_000, ...options }
}

export const logisticOf = ([a, b]: readonly [number, number]): number => 1 / (1 + Math.exp(-(0.5 * a - 0.25 * b + 0.1)))

/** What the fixture `slow` is asked: one row that takes so many turns. */
export function slowRequest(turns: number, options: Partial<RunRequest> = {}): RunRequest {
  const inputs: Tensors = { turns: { type: 'int64', dims: [1], data: BigInt64Array.of(BigInt(turns)) } }
  return { sessionId: 'slow', inputs, outputs: ['result'], rows: 1, deadlineAtMs: Date.now() + 30_000, ...options }
}

/** Turns of the fixture `slow` that take no less than so long, however busy the machine was meanwhile: by the fastest of several runs. */
export async function turnsFor(engine: InferenceEngine, ms: number): Promise<number> {
  const turns = 20_000
  let fastestUs = Infinity
  for (let run = 0; run < 5; run++) fastestUs = Math.min(fastestUs, (await engine.run(slowRequest(turns))).runUs)
  return Math.max(1, Math.round((turns * ms * 1000) / fastestUs))
}
