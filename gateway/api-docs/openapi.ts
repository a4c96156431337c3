import { z } from 'zod'
import { errorCodes, type ErrorCode } from '../../contracts/errors.ts'
import { featureEventFields } from '../../contracts/feature-event.ts'
import {
  acceptedResponse,
  errorBody,
  limits,
  predictBatchRequest,
  predictBatchResponse,
  predictRequest,
  predictResponse,
  storedPrediction,
} from '../../contracts/http.ts'
import { deploymentChange, deploymentState } from '../../contracts/deployment.ts'
import { labelList } from '../../contracts/label-definition.ts'
import { labelFields } from '../../contracts/label-event.ts'
import { v2Error, v2InferRequest, v2RepositoryIndexRequest } from '../../contracts/v2.ts'
import { retryLater } from '../http/errors.ts'
import { eventsQuery } from '../routes/events.ts'
import { modelDetail, modelList } from '../routes/model-schemas.ts'
import { v2Operations } from './v2-openapi.ts'
import { examples } from './openapi-examples.ts'
import { bodyErrors, jsonErrors, keyedErrors, type Operation } from './openapi-operation.ts'

const dryRun = z.boolean().optional().describe('Judge the items, write nothing.')
const many = <Item extends z.ZodType>(field: string, item: Item) =>
  z.strictObject({ [field]: z.array(item).min(1).max(limits.items), dry_run: dryRun })

const requestBodies = {
  predict: z.union([predictRequest, predictBatchRequest]),
  labels: z.union([labelFields.extend({ dry_run: dryRun }), many('labels', labelFields)]),
  events: z.union([featureEventFields.extend({ dry_run: dryRun }), many('events', featureEventFields)]),
  infer: v2InferRequest,
  repositoryIndex: v2RepositoryIndexRequest,
  deployment: deploymentChange,
}

const readiness = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.boolean()),
  views_not_filled: z
    .array(z.string())
    .optional()
    .describe(
      'Feature views that are still being loaded: their features are missing, not_ready. Left out when the online store does not answer.',
    ),
  models_not_served: z
    .array(z.object({ model: z.string(), version: z.string().optional(), reason: z.string() }))
    .optional()
    .describe('Models whose champion is refused, or that are themselves, and why. 503 only where that is all of them.'),
})

const operations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/models/{model}/predict',
    summary: 'Predict for one instance, or for several under instances. The event is durable before the answer.',
    body: 'predict',
    keyed: true,
    response: z.union([predictResponse, predictBatchResponse]),
    errors: [
      ...bodyErrors,
      'missing_feature',
      'unknown_feature',
      'unknown_anchor',
      'out_of_range',
      'unknown_model',
      'unknown_version',
      'anchor_too_old',
      'feature_unavailable',
      'event_too_large',
      'inference_failed',
      'not_ready',
      'online_store_unavailable',
      'deadline_exceeded',
    ],
  },
  {
    method: 'post',
    path: '/v1/labels',
    summary: 'Say what an outcome was. Items that break their label definition are listed, kept as rejects, and stop no other.',
    body: 'labels',
    status: 202,
    response: acceptedResponse,
    errors: [...bodyErrors, 'label_conflict'],
  },
  {
    method: 'get',
    path: '/v1/labels',
    summary: 'The label definitions: what each label means, which values it may have, how it finds its decisions.',
    response: labelList,
    errors: [],
  },
  {
    method: 'post',
    path: '/v1/events/{source}',
    summary: 'Send facts that features are computed from. Items that break the source definition are listed and kept as rejects.',
    body: 'events',
    query: eventsQuery,
    status: 202,
    response: acceptedResponse,
    errors: [...bodyErrors, 'unknown_source'],
  },
  {
    method: 'get',
    path: '/v1/predictions/{id}',
    summary: 'The stored event of a prediction, and whether its caller was told.',
    response: storedPrediction,
    errors: ['not_found', 'not_yet_visible', 'gone', 'warehouse_unavailable'],
  },
  { method: 'get', path: '/v1/models', summary: 'Every model, its champion and its versions.', response: modelList, errors: [] },
  {
    method: 'get',
    path: '/v1/models/{model}',
    summary: 'One model: features, anchors, deployment, versions.',
    response: modelDetail,
    errors: ['unknown_model'],
  },
  { method: 'get', path: '/livez', summary: 'The process answers.', response: z.object({ live: z.boolean() }), errors: [], open: true },
  {
    method: 'get',
    path: '/readyz',
    summary: 'Whether it can do its work; 503 with the same body when not.',
    response: readiness,
    errors: [],
    open: true,
    unready: true,
  },
  ...v2Operations,
]

/** The operations of the admin listener. */
const adminOperations: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/models/{model}/deployment',
    summary: 'Which versions answer and which only watch, what waits, and what was before.',
    response: deploymentState,
    errors: ['unknown_model'],
  },
  {
    method: 'put',
    path: '/v1/models/{model}/deployment',
    summary: 'Put another deployment in its place, for every gateway: what it names is loaded first, and no request is lost.',
    body: 'deployment',
    response: deploymentState,
    errors: [...jsonErrors, 'unknown_model', 'unknown_version', 'deployment_conflict', 'event_log_unavailable'],
  },
]

/** The errors of any route behind authentication: on the admin listener, and on the public one, which has limits. */
const guardedErrors = ['unauthorized', 'forbidden', 'internal'] as const satisfies ErrorCode[]
const limitedErrors = [...guardedErrors, 'rate_limited', 'overloaded'] as const satisfies ErrorCode[]

export type OpenApiDocument = ReturnType<typeof createOpenApiDocument>

/** The OpenAPI 3.1 document of the public listener, from the same zod schemas that check requests. */
export function createOpenApiDocument(version: string) {
  const description =
    'Predictions that are recorded before they are answered, and the outcomes that judge them. Bodies may be compressed with gzip, deflate, br or zstd, as Content-Encoding says; answers over 1 KB are, as Accept-Encoding asks.'
  return toDocument(version, { operations, anywhere: limitedErrors, description })
}

/** The OpenAPI 3.1 document of the admin listener, which has what changes the service. */
export function createAdminOpenApiDocument(version: string) {
  return toDocument(version, {
    operations: adminOperations,
    anywhere: guardedErrors,
    description: 'What changes the service, on the admin listener.',
  })
}

type Listener = { operations: readonly Operation[]; anywhere: readonly ErrorCode[]; description: string }

function toDocument(version: string, { operations, anywhere, description }: Listener) {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) (paths[operation.path] ??= {})[operation.method] = toOperation(operation, anywhere)
  return {
    openapi: '3.1.0',
    info: { title: 'Hindsight', version, description },
    paths,
    components: {
      schemas: { Error: jsonSchema(errorBody, 'output'), V2Error: jsonSchema(v2Error, 'output') },
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'Needed when the gateway has an API key.' } },
    },
    'x-error-codes': errorCodes,
  }
}

function toOperation(operation: Operation, anywhere: readonly ErrorCode[]) {
  const { path, summary, body, bodyOptional, query, status = 200, response, open, unready, protocol, keyed } = operation
  const errors = [...operation.errors, ...(keyed === true ? keyedErrors : []), ...(open === true ? [] : anywhere)]
  const bytes = body === 'infer' ? binaryContent : {}
  const content = { 'application/json': { schema: jsonSchema(response, 'output') } }
  return {
    summary,
    parameters: [
      ...pathParameters(path),
      ...queryParameters(query),
      ...(body === 'infer' ? [headerLengthParameter] : []),
      ...(keyed === true ? [idempotencyKeyParameter] : []),
      requestIdParameter,
    ],
    ...(body !== undefined && {
      requestBody: {
        required: bodyOptional !== true,
        content: { 'application/json': { schema: jsonSchema(requestBodies[body], 'input'), examples: examples[body] }, ...bytes },
      },
    }),
    responses: {
      [status]: { description: 'Done.', content: { ...content, ...bytes } },
      ...errorResponses(errors, protocol === 'v2' ? 'V2Error' : 'Error'),
      ...(unready === true && { 503: { description: 'Not ready.', content } }),
    },
    security: open === true ? [] : [{}, { key: [] }],
  }
}

const requestIdParameter = {
  name: 'X-Request-Id',
  in: 'header',
  required: false,
  schema: { type: 'string' },
  description:
    'Echoed in the answer, unless it is empty, longer than 128 characters or has control characters: then it is replaced by ours.',
}

const idempotencyKeyParameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
  description:
    'The same key at the same model gets the same answer again, for a day unless the gateway is told otherwise; 409 while the first is under way.',
}

const retryAfterHeader = { schema: { type: 'integer', minimum: 0 }, description: 'Seconds after which the same request may succeed.' }

const headerLengthParameter = {
  name: 'Inference-Header-Content-Length',
  in: 'header',
  required: false,
  schema: { type: 'integer', minimum: 0 },
  description: 'Bytes of the JSON that tensors in binary form follow; 0 for a body that is the only input and nothing else.',
}

const binaryContent = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }

function pathParameters(path: string) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
}

function queryParameters(query: z.ZodObject | undefined) {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema: jsonSchema(schema as z.ZodType, 'input'),
  }))
}

function errorResponses(codes: readonly ErrorCode[], schema: 'Error' | 'V2Error') {
  const statuses = [...new Set(codes.map((code) => errorCodes[code].status))].toSorted((a, b) => a - b)
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      toErrorResponse(
        [...new Set(codes)].filter((code) => errorCodes[code].status === status),
        schema,
      ),
    ]),
  )
}

function toErrorResponse(codes: readonly ErrorCode[], schema: 'Error' | 'V2Error') {
  const isLater = codes.some((code) => retryLater.includes(errorCodes[code].status) && errorCodes[code].retryable)
  return {
    description: codes.map((code) => `\`${code}\`: ${errorCodes[code].meaning}`).join('\n\n'),
    ...(isLater && { headers: { 'Retry-After': retryAfterHeader } }),
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
  }
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}
