import { errorCodes, ServiceError, toServiceError } from '../../contracts/errors.ts'
import { limits } from '../../contracts/http.ts'
import type { ServedFeature } from '../../contracts/prediction-event.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import { type FeatureRow, requireEncodable } from '../inference/tensors.ts'
import type { Instance, SeenFeatures } from './prediction.ts'
import type { ServingVersion } from './serving-model.ts'

/** What the model is to see of an instance, or why it cannot see it. */
export type AssembledRow = { instance: Instance; features: ServedFeature[]; row: FeatureRow; error: ServiceError | undefined }

const noRow: FeatureRow = new Map()

/** The version's features for an instance, each with where it came from. A fault is the row's own, and in the way of no other. */
export function assemble(serving: ServingVersion, instance: Instance, seen: SeenFeatures): AssembledRow {
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

/** Says that the store was the reason when it did not give a value that the model needs: the same request may succeed later. */
function attribute(error: ServiceError, seen: SeenFeatures): ServiceError {
  const isOfStore = seen.values === undefined && error.code === 'feature_unavailable'
  return isOfStore ? new ServiceError('online_store_unavailable', error.message, { cause: error }) : error
}

/** The most bytes of an event's fixed fields, and of one feature beside its value: status, times, definition's hash. */
const fixedEventBytes = 8 * 1024
const featureBytes = 512

/** Whether an event would be too large. Only what could come near the limit is measured, and before inference: after it the answer would be lost. */
function isTooLarge(instance: Instance, features: readonly ServedFeature[]): boolean {
  let texts = 0
  for (const { value } of features) if (typeof value === 'string') texts += value.length * 6
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

/** Whether the request itself is at fault, so that it is refused and not recorded. */
export function isRefusal(error: ServiceError): boolean {
  const { status } = errorCodes[error.code]
  return status === 400 || status === 413
}
