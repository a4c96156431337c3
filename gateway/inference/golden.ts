import { type ModelDefinition, scoreOf } from '../../contracts/model-definition.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import type { VersionManifest } from '../../contracts/version-manifest.ts'
import { ServiceError } from '../../contracts/errors.ts'
import type { InferenceEngine, Sample } from './inference.ts'
import { decodeOutputs, encodeInputs, type Outputs } from './tensors.ts'
import { within } from '../../platform/service/within.ts'

/** The longest that a version may take for its golden requests: a model slower than this answers nobody. */
const goldenTimeoutMs = 30_000

type GoldenManifest = Pick<VersionManifest, 'inputs' | 'outputs' | 'golden'>

/** The golden requests as the rows of one run. */
export function toSample({ inputs, outputs, golden }: GoldenManifest): Sample {
  const rows = golden.map(({ features }) => new Map(Object.entries(features)))
  return { inputs: encodeInputs(inputs, rows), outputs: [...new Set(outputs.map(({ tensor }) => tensor))], rows: rows.length }
}

/** Why a golden request does not hold; the path is within the manifest. */
export type GoldenFault = { path: string; message: string }

/** Replays the golden requests of a manifest, each by itself, and compares; the first that does not hold, or undefined. */
export async function findGoldenFault(options: {
  inference: InferenceEngine
  sessionId: string
  manifest: GoldenManifest & Pick<VersionManifest, 'golden_tolerance'>
  definition: Pick<ModelDefinition, 'outputs' | 'task' | 'score'>
  /** The primary label's categories: the class that a golden request is given must be one. */
  categories: readonly string[] | undefined
  now: () => number
}): Promise<GoldenFault | undefined> {
  const { manifest, definition, inference, sessionId } = options
  const deadlineAtMs = options.now() + goldenTimeoutMs
  for (const [index, golden] of manifest.golden.entries()) {
    const at = `golden[${index}]`
    try {
      const run = inference.run({ sessionId, ...toSample({ ...manifest, golden: [golden] }), deadlineAtMs })
      // A run that has begun cannot be ended, and may never end by itself.
      const { tensors } = await within(deadlineAtMs - options.now(), run, throwLate)
      const [outputs] = decodeOutputs({ outputs: manifest.outputs, definition, tensors, rows: 1 })
      const message = compare(golden.outputs, outputs, manifest.golden_tolerance) ?? findForeignClass(options, outputs)
      if (message !== undefined) return { path: at, message }
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      return { path: error.path === undefined ? at : `${at}.${error.path}`, message: error.message }
    }
  }
  return undefined
}

/** A class that the label does not know could only be wrong. */
function findForeignClass(
  { definition, categories }: { definition: Pick<ModelDefinition, 'task' | 'score'>; categories: readonly string[] | undefined },
  outputs: Outputs | ServiceError | undefined,
): string | undefined {
  const score = scoreOf(definition)
  if (score.kind === 'number' || score.output === undefined || categories === undefined) return undefined
  if (outputs === undefined || outputs instanceof ServiceError) return undefined
  const given = String(outputs[score.output])
  if (categories.includes(given)) return undefined
  return `${score.output} is ${given}, and no class of the primary label: it has ${categories.slice(0, 12).join(', ')}; for probabilities write score: {probabilities: {...}}`
}

function throwLate(): never {
  throw new ServiceError('deadline_exceeded', `takes longer than ${goldenTimeoutMs / 1000} s`)
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
