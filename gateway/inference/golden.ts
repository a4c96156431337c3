import type { ModelDefinition } from '../../contracts/model-definition.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import type { VersionManifest } from '../../contracts/version-manifest.ts'
import { ServiceError } from '../../contracts/errors.ts'
import type { InferenceEngine, Sample } from './inference.ts'
import { decodeOutputs, encodeInputs, type Outputs } from './tensors.ts'

/** Longest a version may take for its golden requests: a model slower than this answers nobody. */
const goldenTimeoutMs = 30_000

/** The golden requests as the rows of one run. */
export function toSample(manifest: Pick<VersionManifest, 'inputs' | 'outputs' | 'golden'>): Sample {
  const rows = manifest.golden.map(({ features }) => new Map(Object.entries(features)))
  const outputs = [...new Set(manifest.outputs.map(({ tensor }) => tensor))]
  return { inputs: encodeInputs(manifest.inputs, rows), outputs, rows: rows.length }
}

/** Replays the golden requests of a manifest; the first that differs from its recorded outputs, or undefined. */
export async function findGoldenMismatch(options: {
  inference: InferenceEngine
  sessionId: string
  manifest: Pick<VersionManifest, 'inputs' | 'outputs' | 'golden' | 'golden_tolerance'>
  definition: Pick<ModelDefinition, 'outputs'>
  now: () => number
}): Promise<string | undefined> {
  const { manifest, definition } = options
  const { tensors } = await options.inference.run({
    sessionId: options.sessionId,
    ...toSample(manifest),
    deadlineAtMs: options.now() + goldenTimeoutMs,
  })
  const outputs = decodeOutputs({ outputs: manifest.outputs, definition, tensors, rows: manifest.golden.length })
  for (const [index, golden] of manifest.golden.entries()) {
    const difference = compare(golden.outputs, outputs[index], manifest.golden_tolerance)
    if (difference !== undefined) return `golden[${index}]: ${difference}`
  }
  return undefined
}

function compare(
  expected: Readonly<Record<string, Scalar>>,
  actual: Outputs | ServiceError | undefined,
  tolerance: number,
): string | undefined {
  if (actual === undefined || actual instanceof ServiceError) return actual?.message ?? 'the model gave no row'
  for (const [name, value] of Object.entries(expected)) {
    const got = actual[name]
    if (!isClose(value, got, tolerance)) return `${name} is ${String(got)}, recorded is ${String(value)}`
  }
  return undefined
}

function isClose(expected: Scalar, actual: Scalar | undefined, tolerance: number): boolean {
  if (typeof expected !== 'number' || typeof actual !== 'number') return expected === actual
  return Math.abs(expected - actual) <= tolerance * Math.max(1, Math.abs(expected))
}
