import { z } from 'zod'
import { timestamp, versionName, opaqueId } from './primitives.ts'

/** The header that says how many bytes of JSON stand before the tensors in binary form. */
export const headerLengthName = 'Inference-Header-Content-Length'

/** Bytes of one element in the protocol's binary form; 0 where each element says its own length. */
export const elementBytes = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BF16: 2,
  BYTES: 0,
} as const
export type Datatype = keyof typeof elementBytes

export const datatype = z.enum(Object.keys(elementBytes) as [Datatype])

const parameter = z.union([z.string().max(1024), z.number(), z.boolean()])
const parameters = z.record(z.string().max(64), parameter.nullable())

const size = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)

// A field that may be left out may be null instead: clients that serialise optional fields send it so.
export const v2RequestTensor = z.strictObject({
  name: z.string().min(1).max(256),
  shape: z.array(size).max(8).describe('The first dimension is the row.'),
  datatype,
  parameters: parameters.nullish().describe('`binary_data_size`: the bytes of this tensor behind the JSON, instead of `data`.'),
  // The elements are checked by the codec alone: an array of zod's would look at each of them once more.
  data: z
    .custom<unknown[]>(Array.isArray, 'must be an array')
    .meta({ type: 'array' })
    .nullish()
    .describe('Row-major, nested as the shape says or flat. Numbers must be finite; 64-bit integers are taken exactly.'),
})

export const v2RequestOutput = z.strictObject({
  name: z.string().min(1).max(256),
  parameters: parameters.nullish().describe('`binary_data`: this output in binary form, behind the JSON.'),
})

export const v2InferRequest = z.strictObject({
  id: z
    .string()
    .max(128)
    .refine((id) => id === '' || opaqueId.safeParse(id).success, 'must not contain control characters')
    .nullish()
    .describe('Becomes the request id; labels may name it. Echoed in the answer.'),
  parameters: z
    .looseObject({
      binary_data_output: z.boolean().nullish().describe('Every output in binary form, unless it says otherwise.'),
      anchor: z.string().max(64).nullish().describe('The named decision point; may be left out when the model has one.'),
      anchor_time: timestamp.nullish().describe('The time the prediction is about; the time of receipt if left out.'),
      timeout_ms: z.number().min(1).nullish().describe('Lowers the latency budget.'),
      timeout: z.number().nonnegative().nullish().describe('The same in microseconds; 0 is none.'),
    })
    .catchall(parameter.nullable())
    .nullish(),
  model_name: z.string().nullish().describe('The path says which; clients repeat it here.'),
  inputs: z.array(v2RequestTensor).min(1).max(64).describe('Every input of the version, all with the same number of rows.'),
  outputs: z.array(v2RequestOutput).max(64).nullish().describe('The outputs wanted; all of them if left out or empty.'),
})
export type V2InferRequest = z.output<typeof v2InferRequest>

export const v2InferResponse = z.object({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().describe('The id of the request, or ours where none was sent.'),
  parameters: z.object({
    route: z.string(),
    prediction_id: z.string().optional().describe('Of a request of one row; rows of a longer one go by `id` and index.'),
    request_id_reused: z.literal(true).optional().describe('The id was sent before with other tensors: a label by it reaches both.'),
  }),
  outputs: z.array(
    z.object({
      name: z.string(),
      datatype,
      shape: z.array(z.int()),
      parameters: z.object({ binary_data_size: z.int() }).optional(),
      data: z.array(z.union([z.number(), z.boolean(), z.string()])).optional(),
    }),
  ),
})

export const v2Error = z.object({ error: z.string() })

const tensorMetadata = z.object({ name: z.string(), datatype, shape: z.array(z.int()).describe('-1 is a variable dimension.') })

export const v2ModelMetadata = z.object({
  name: z.string(),
  versions: z.array(versionName),
  platform: z.literal('onnxruntime_onnx'),
  inputs: z.array(tensorMetadata),
  outputs: z.array(tensorMetadata),
})
export type V2ModelMetadata = z.output<typeof v2ModelMetadata>

export const v2ServerMetadata = z.object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })
export const v2Live = z.object({ live: z.boolean() })
export const v2Ready = z.object({ live: z.boolean(), ready: z.boolean() })
export const v2ModelReady = z.object({ name: z.string(), ready: z.boolean() })

/** The body of `/v2/repository/index`, Triton's extension for model repositories. */
export const v2RepositoryIndexRequest = z.looseObject({
  ready: z.boolean().nullish().describe('Only what can be asked now.'),
})
export const v2RepositoryIndex = z.array(
  z.object({
    name: z.string(),
    version: versionName,
    state: z.enum(['READY', 'UNAVAILABLE']),
    reason: z.string().describe('Why it is unavailable; empty where it is ready.'),
  }),
)
export type V2RepositoryIndex = z.output<typeof v2RepositoryIndex>

const configTensor = z.object({ name: z.string(), data_type: z.string(), dims: z.array(z.int()) })

/** The part of Triton's model configuration that load generators read. */
export const v2ModelConfig = z.object({
  name: z.string(),
  platform: z.literal('onnxruntime_onnx'),
  backend: z.literal('onnxruntime'),
  version_policy: z.object({ specific: z.object({ versions: z.array(versionName) }) }),
  max_batch_size: z.int().describe('Rows of one request.'),
  input: z.array(configTensor).describe('Without the row dimension.'),
  output: z.array(configTensor),
})
export type V2ModelConfig = z.output<typeof v2ModelConfig>

const durations = z.object({ count: z.int(), ns: z.int() })

/** The statistics of models since this gateway started; they count requests over `/v1` too, and the runs of shadows. */
export const v2ModelStatistics = z.object({
  model_stats: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      last_inference: z.int().describe('Unix milliseconds; 0 before the first.'),
      inference_count: z.int().describe('Rows.'),
      execution_count: z.int().describe('Runs of the model, as requests see them.'),
      inference_stats: z.object({
        success: durations,
        fail: durations,
        queue: durations,
        compute_input: durations.describe('Assembling features.'),
        compute_infer: durations,
        compute_output: durations.describe('Making the event durable.'),
      }),
      batch_stats: z.array(z.unknown()),
    }),
  ),
})
export type V2ModelStatistics = z.output<typeof v2ModelStatistics>
