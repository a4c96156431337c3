import { z } from 'zod'
import { errorCodes } from './errors.ts'
import { predictionEventV1, predictionRoute, predictionStatus, servedFeature } from './prediction-event.ts'
import { predictionFateState, unansweredReason } from './prediction-fate.ts'
import { columnName, entityId, opaqueId, scalar, tags, timestamp, uuid, versionName } from './primitives.ts'

export const limits = {
  /** The most bytes of a request body; requests for predictions have a bound of their own in `predictLimits`. */
  bodyBytes: 256 * 1024,
  /** The most levels of arrays and objects in a body. */
  depth: 32,
  /** The most instances, labels or events in one request. */
  items: 1000,
  /** The most bytes of one event's JSON: below NATS's default max_payload of 1 MiB. */
  eventBytes: 512 * 1024,
} as const

/** The bounds of a request for predictions, over `/v1` and over `/v2`. Rows are bounded as items are. */
export const predictLimits = {
  bodyBytes: 1024 * 1024,
  /** The most values of all instances together: each becomes a feature of an event, some hundred times its own size. */
  elements: 16 * 1024,
  /** The most bytes of bodies in work at once, over all requests. */
  bodyBytesInWork: 64 * 1024 * 1024,
} as const

const instanceFields = {
  entities: z.record(columnName, entityId).default({}),
  anchor: columnName.optional().describe('The named decision point; may be left out when the model has one.'),
  anchor_time: timestamp.optional().describe('The time the prediction is about; the time of receipt if left out.'),
  features: z.record(columnName, scalar).default({}),
  tags: tags.optional(),
}

export const predictOptions = z.strictObject({
  version: versionName.optional().describe('Pins a version.'),
  return_features: z.boolean().optional(),
  timeout_ms: z.number().min(1).optional().describe("Shortens the model's latency_budget_ms; a longer one changes nothing."),
})

export const predictInstance = z.strictObject(instanceFields)
export const predictRequest = z.strictObject({ request_id: opaqueId.optional(), ...instanceFields, options: predictOptions.optional() })
export const predictBatchRequest = z.strictObject({
  request_id: opaqueId.optional(),
  instances: z.array(predictInstance).min(1).max(limits.items),
  options: predictOptions.optional(),
})
export type PredictInstance = z.infer<typeof predictInstance>
export type PredictRequest = z.infer<typeof predictRequest>

export const errorBody = z.object({
  error: z.object({
    code: z.enum(Object.keys(errorCodes) as [keyof typeof errorCodes]),
    message: z.string(),
    path: z.string().optional(),
    hint: z.string().optional(),
    request_id: z.string(),
  }),
})
export type ErrorBody = z.infer<typeof errorBody>

/** One feature of an answer, as its event has it, and of an online one the window at this anchor. */
const answeredFeature = servedFeature.extend({
  window: z
    .object({ from: timestamp, to: timestamp, hop_seconds: z.int() })
    .optional()
    .describe('The event times that it holds, from, inclusive, to, exclusive; left out for the latest value of all time.'),
})
export type AnsweredFeature = z.infer<typeof answeredFeature>

export const storedPrediction = predictionEventV1.extend({
  fate: predictionFateState.optional().describe('What the caller was told; absent for shadows and replays, which nobody is told of.'),
  unanswered_reason: unansweredReason.optional(),
})

export const predictResponse = z.object({
  prediction_id: uuid,
  request_id: z.string(),
  model: z.string(),
  model_version: z.string(),
  route: predictionRoute,
  anchor: z.string(),
  anchor_time: timestamp,
  status: predictionStatus,
  outputs: z.record(z.string(), scalar),
  decision: z.object({ value: scalar, threshold: z.number().optional() }).optional(),
  warnings: z.array(z.string()),
  features: z.array(answeredFeature).optional(),
})
export type PredictResponse = z.infer<typeof predictResponse>

export const predictBatchResponse = z.object({ predictions: z.array(z.union([predictResponse, errorBody])) })

export const rejectedItem = z.object({ index: z.int(), code: z.string(), path: z.string().optional(), message: z.string() })

export const itemWarning = z.object({ index: z.int(), code: z.string(), path: z.string(), message: z.string() })
export type ItemWarning = z.infer<typeof itemWarning>

/** Answer to labels and events: refused items leave the others accepted. */
export const acceptedResponse = z.object({
  accepted: z.int(),
  rejected: z.array(rejectedItem),
  warnings: z
    .array(itemWarning)
    .optional()
    .describe(
      'Of items that were accepted and may not mean what was meant, as labels known or happened before the anchor time of the decision that they name; absent where there is none.',
    ),
  applied: z.boolean().optional().describe('With wait=applied: whether the online store has them all.'),
})
export type AcceptedResponse = z.infer<typeof acceptedResponse>
