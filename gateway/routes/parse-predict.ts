import { ServiceError } from '../../contracts/errors.ts'
import type { z } from 'zod'
import { predictBatchRequest, type PredictInstance, predictLimits, type predictOptions, predictRequest } from '../../contracts/http.ts'
import { createValidator } from '../http/validate.ts'

/** A predict body, one instance or many, as one form. */
export type ParsedPredict = {
  requestId: string | undefined
  instances: PredictInstance[]
  batch: boolean
  options: z.output<typeof predictOptions>
}

const validateOne = createValidator(predictRequest)
const validateBatch = createValidator(predictBatchRequest)

export function parsePredict(body: unknown): ParsedPredict {
  if (typeof body === 'object' && body !== null && Object.hasOwn(body, 'instances')) {
    const { request_id: requestId, instances, options = {} } = validateBatch(body)
    refuseTooMany(instances)
    return { requestId, instances, batch: true, options }
  }
  // The instance keeps the request's own fields, which nobody reads there: a copy without them costs more than it is worth.
  const instance = validateOne(body)
  refuseTooMany([instance])
  return { requestId: instance.request_id, instances: [instance], batch: false, options: instance.options ?? {} }
}

/** Bounds the values of a request as `/v2` bounds those of its tensors. */
function refuseTooMany(instances: readonly PredictInstance[]): void {
  let values = 0
  for (const { features } of instances) for (const _ in features) values++
  if (values <= predictLimits.elements) return
  throw new ServiceError('invalid_request', `the request has ${values} features, and takes ${predictLimits.elements}`, {
    path: instances.length === 1 ? 'features' : 'instances',
    hint: 'split it into several requests',
  })
}
