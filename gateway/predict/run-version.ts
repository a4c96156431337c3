import { errorCodes, ServiceError, toServiceError } from '../../contracts/errors.ts'
import { limits } from '../../contracts/http.ts'
import type { ServedFeature } from '../../contracts/prediction-event.ts'
import type { AppliedPosition } from '../../contracts/origin.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import type { InferenceEngine } from '../inference/inference.ts'
import type { Tensors } from '../tensors/tensor.ts'
import { decodeOutputs, encodeInputs, type FeatureRow, type Outputs, requireEncodable } from '../inference/tensors.ts'
import { decide } from './decision.ts'
import type { Deadline } from './deadline.ts'
import { withRowTensors } from './row-tensors.ts'
import type { ServingVersion } from './serving-model.ts'
import type { StoredValues } from './version-features.ts'
import { type Instance, type InstanceResult } from './prediction.ts'

/** What the online store answered, and how far it was; without `values` it did not answer. */
export type SeenFeatures = { values: StoredValues | undefined; asOf: AppliedPosition[]; readAtMs: number | undefined }

export type VersionRun = {
  results: InstanceResult[]
  durationUs: { features?: number | undefined; queue?: number | undefined; inference?: number | undefined }
}

type Deps = { inference: InferenceEngine; tick: () => number }
type Assembled = { instance: Instance; features: ServedFeature[]; row: FeatureRow; error: ServiceError | undefined }

const noRow: FeatureRow = new Map()

/**
 * One version over every instance: features, then one run of all rows. An instance that fails is a result with its
 * error, and the others go on.
 */
export async function runVersion(
  deps: Deps,
  options: {
    serving: ServingVersion
    instances: readonly Instance[]
    seen: SeenFeatures
    deadline: Deadline
    startedTick: number
    /** Nobody waits for it. */
    background?: boolean
  },
): Promise<VersionRun> {
  const assembled = options.instances.map((instance) => assemble(options.serving, instance, options.seen))
  const features = microseconds(deps.tick() - options.startedTick)
  const ready = assembled.filter(({ error }) => error === undefined)
  if (ready.length === 0) return { results: assembled.map(toFailure), durationUs: { features } }
  const inferred = await infer(deps, { serving: options.serving, deadline: options.deadline, background: options.background, ready })
  let row = 0
  const results = assembled.map((item) => {
    if (item.error !== undefined) return toFailure(item)
    const at = { row: row++, rows: ready.length }
    return withRowTensors(toResult(options.serving, item, inferred.rows[at.row]), inferred.tensors, at)
  })
  const { queue, inference } = inferred.durationUs
  return { results, durationUs: { features, queue, inference } }
}

/** Every instance with the same error: the run did not come to its rows. */
export function failAll(instances: readonly Instance[], error: ServiceError): InstanceResult[] {
  return instances.map((instance) => ({ instance, features: [], error }))
}

function assemble(serving: ServingVersion, instance: Instance, seen: SeenFeatures): Assembled {
  try {
    const features = serving.features.assemble(instance, seen.values)
    if (isTooLarge(instance, features)) return { instance, features: [], row: noRow, error: tooLarge() }
    const row = new Map<string, Scalar | undefined>()
    for (const { name, value } of features) row.set(name, value)
    requireEncodable(serving.manifest.inputs, row)
    return { instance, features, row, error: undefined }
  } catch (error) {
    return { instance, features: [], row: noRow, error: attribute(toServiceError(error), seen) }
  }
}

/** A value that the model needs and the store did not give comes with the store: the same request may succeed later. */
function attribute(error: ServiceError, seen: SeenFeatures): ServiceError {
  const isOfStore = seen.values === undefined && error.code === 'feature_unavailable'
  return isOfStore ? new ServiceError('online_store_unavailable', error.message, { cause: error }) : error
}

/** Bytes that bound an event's fixed fields, and what one feature takes beside its value: status, times, definition's hash. */
const fixedEventBytes = 8 * 1024
const featureBytes = 512

/** Cheap first: only what could come near the limit is measured. Before inference, because the answer would be lost after it. */
function isTooLarge(instance: Instance, features: readonly ServedFeature[]): boolean {
  const texts = features.reduce((sum, { value }) => sum + (typeof value === 'string' ? value.length * 6 : 0), 0)
  if (fixedEventBytes + featureBytes * features.length + texts < limits.eventBytes / 2) {
    const roles = Object.keys(instance.entities).length
    if (roles * 1024 < limits.eventBytes / 4) return false
  }
  const { entities, tags, row } = instance
  return fixedEventBytes + Buffer.byteLength(JSON.stringify({ entities, tags, inputs: row?.inputs, features })) > limits.eventBytes
}

function tooLarge(): ServiceError {
  return new ServiceError('event_too_large', `the prediction's event would be over ${limits.eventBytes} bytes`)
}

type Inferred = { rows: (Outputs | ServiceError)[]; tensors?: Tensors; durationUs: VersionRun['durationUs'] }

type InferOptions = { serving: ServingVersion; deadline: Deadline; background: boolean | undefined; ready: readonly Assembled[] }

async function infer(deps: Deps, { serving, deadline, background, ready }: InferOptions): Promise<Inferred> {
  const { inputs, outputs } = serving.manifest
  const startedTick = deps.tick()
  try {
    const rows = ready.map(({ row }) => row)
    const run = deps.inference.run({
      sessionId: serving.sessionId,
      inputs: encodeInputs(inputs, rows),
      outputs: namesOf(outputs),
      rows: rows.length,
      deadlineAtMs: deadline.workByMs,
      cancellation: deadline.cancellation,
      background: background === true,
    })
    const { tensors, runUs } = await deadline.race(run)
    const elapsedUs = microseconds(deps.tick() - startedTick)
    const decoded = decodeOutputs({ outputs, definition: serving.definition, tensors, rows: rows.length })
    return { rows: decoded, tensors, durationUs: { queue: Math.max(0, elapsedUs - runUs), inference: runUs } }
  } catch (error) {
    const failure = toServiceError(error)
    return { rows: ready.map(() => failure), durationUs: {} }
  }
}

/** The names of the tensors that the outputs are taken from, each once. */
function namesOf(outputs: ServingVersion['manifest']['outputs']): string[] {
  const names: string[] = []
  for (const { tensor } of outputs) if (!names.includes(tensor)) names.push(tensor)
  return names
}

function toResult(serving: ServingVersion, { instance, features }: Assembled, row: Outputs | ServiceError | undefined): InstanceResult {
  if (row === undefined || row instanceof ServiceError)
    return { instance, features, error: row ?? new ServiceError('inference_failed', 'the model gave no row') }
  return { instance, features, outputs: row, decision: decide(serving.definition, row) }
}

function toFailure({ instance, features, error }: Assembled): InstanceResult {
  return { instance, features, error: error ?? new ServiceError('internal', 'the instance has no result') }
}

/** Whether the request itself is at fault, so that it is refused rather than recorded. */
export function isRefusal(error: ServiceError): boolean {
  const { status } = errorCodes[error.code]
  return status === 400 || status === 413
}

function microseconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds * 1000))
}
