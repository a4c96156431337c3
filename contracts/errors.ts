/**
 * Every error code a client, an event or a reject can carry. Codes are stable; messages may improve.
 * `retryable`: the same request may succeed later without being changed.
 */
export const errorCodes = {
  invalid_json: { status: 400, retryable: false, meaning: 'The body is not JSON.' },
  invalid_request: { status: 400, retryable: false, meaning: 'A field is unknown, missing or of the wrong type; `path` says which.' },
  invalid_encoding: { status: 400, retryable: false, meaning: 'The body is not what its Content-Encoding says: corrupt, or cut short.' },
  too_deep: { status: 400, retryable: false, meaning: 'The body nests deeper than 32 levels.' },
  not_finite: { status: 400, retryable: false, meaning: 'A number is NaN, infinite, or too large for a double.' },
  missing_feature: { status: 400, retryable: false, meaning: 'A required feature is not in the request and has no default.' },
  unknown_feature: { status: 400, retryable: false, meaning: 'The anchor does not allow this feature.' },
  unknown_anchor: { status: 400, retryable: false, meaning: 'The model has no such anchor.' },
  out_of_range: { status: 400, retryable: false, meaning: "A value lies outside its definition's range." },
  anchor_too_old: {
    status: 422,
    retryable: false,
    meaning: 'The online store no longer covers the anchor time and model.yaml says to reject.',
  },
  feature_unavailable: { status: 422, retryable: false, meaning: 'An online feature is missing or stale and model.yaml says to reject.' },
  unauthorized: { status: 401, retryable: false, meaning: 'The API key is missing, wrong, expired or revoked.' },
  forbidden: { status: 403, retryable: false, meaning: 'The API key lacks the scope.' },
  not_found: { status: 404, retryable: false, meaning: 'No such thing.' },
  not_yet_visible: { status: 404, retryable: true, meaning: 'The prediction is younger than 10 minutes and not in the warehouse yet.' },
  unknown_model: { status: 404, retryable: false, meaning: 'The project has no such model.' },
  unknown_version: { status: 404, retryable: false, meaning: 'The model has no such version, or it was refused at load.' },
  no_definition_then: {
    status: 404,
    retryable: false,
    meaning: 'No definition of the model or of its label was in force at the as-of time.',
  },
  unknown_label: { status: 400, retryable: false, meaning: 'The project defines no such label.' },
  unknown_source: { status: 404, retryable: false, meaning: 'The project defines no such event source.' },
  method_not_allowed: { status: 405, retryable: false, meaning: 'The path exists, the method does not.' },
  idempotency_conflict: {
    status: 409,
    retryable: true,
    meaning: 'A request with this Idempotency-Key is under way; its answer is there when it has ended.',
  },
  idempotency_mismatch: { status: 422, retryable: false, meaning: 'This Idempotency-Key came before, with another body.' },
  deployment_conflict: {
    status: 409,
    retryable: false,
    meaning: "The model's deployment has changed since the revision that the change was made from.",
  },
  label_conflict: {
    status: 409,
    retryable: false,
    meaning: 'Something else was said under this label_id. A correction has a label_id of its own, and `supersedes` this one.',
  },
  gone: { status: 410, retryable: false, meaning: 'The prediction is past its retention, or was erased.' },
  body_too_large: {
    status: 413,
    retryable: false,
    meaning: 'The body is over 1 MiB where it asks for predictions, else over 256 KiB, as it was sent or decompressed.',
  },
  event_too_large: { status: 413, retryable: false, meaning: 'The event built from this request would be over its size limit.' },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    meaning: 'Send application/json in UTF-8; V2 takes application/octet-stream too.',
  },
  unsupported_encoding: {
    status: 415,
    retryable: false,
    meaning: 'The header Accept-Encoding of the answer lists what a body may be compressed with.',
  },
  cancelled: { status: 499, retryable: true, meaning: 'The client hung up before the model answered.' },
  rate_limited: { status: 429, retryable: true, meaning: "The caller's limit is reached." },
  internal: { status: 500, retryable: true, meaning: 'A fault of the server; the log has it under this request id.' },
  inference_failed: { status: 500, retryable: true, meaning: 'The model raised an error.' },
  not_ready: { status: 503, retryable: true, meaning: 'Starting, or a store is not reachable.' },
  overloaded: { status: 503, retryable: true, meaning: 'A queue is full.' },
  draining: { status: 503, retryable: true, meaning: 'Shutting down.' },
  outbox_unavailable: { status: 503, retryable: true, meaning: 'The event cannot be made durable now, so no answer was given.' },
  online_store_unavailable: { status: 503, retryable: true, meaning: 'The online store does not answer, and model.yaml says to reject.' },
  idempotency_unavailable: {
    status: 503,
    retryable: true,
    meaning: 'The store of idempotency keys does not answer, so a request with a key is not taken.',
  },
  event_log_unavailable: { status: 503, retryable: true, meaning: 'NATS does not answer.' },
  warehouse_unavailable: { status: 503, retryable: true, meaning: 'ClickHouse does not answer.' },
  deadline_exceeded: { status: 504, retryable: true, meaning: 'The latency budget ran out.' },
  invalid_event: { status: 400, retryable: false, meaning: 'A record on the log does not parse as its event; kept in `rejects`.' },
  unsupported_schema_version: {
    status: 400,
    retryable: false,
    meaning: 'A record on the log has a schema version this build does not know; kept in `rejects`.',
  },
  invalid_project: { status: 500, retryable: false, meaning: 'The project folder has a problem; `path` names file and field.' },
  invalid_config: { status: 500, retryable: false, meaning: 'An environment variable or option is wrong.' },
} as const satisfies Record<string, { status: number; retryable: boolean; meaning: string }>

export type ErrorCode = keyof typeof errorCodes

/** The one error that crosses layers on purpose. Anything else that reaches a client becomes `internal`. */
export class ServiceError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  /** The path of the field at fault, as `instances[2].features.distance`. */
  readonly path: string | undefined
  readonly hint: string | undefined
  /** The seconds after which a retry may succeed, where that is known. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; path?: string; hint?: string; retryAfterSeconds?: number } = {},
  ) {
    const { stackTraceLimit } = Error
    if (isRefusal(code)) Error.stackTraceLimit = 0
    super(message, { cause: options.cause })
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'ServiceError'
    this.code = code
    this.retryable = errorCodes[code].retryable
    this.path = options.path
    this.hint = options.hint
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** Makes of any error one that may be answered: what is not a `ServiceError` becomes `internal`. */
export function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  return new ServiceError('internal', 'the server failed; its log has the reason under this request id', { cause: error })
}

/** Puts the error's path under `parent`, as `instances[2]`. */
export function underPath(error: ServiceError, parent: string): ServiceError {
  const path = error.path === undefined ? parent : `${parent}.${error.path}`
  return new ServiceError(error.code, error.message, { cause: error, path, ...(error.hint !== undefined && { hint: error.hint }) })
}

/**
 * Whether the code refuses what a caller asked wrongly or too much of. Refusals are frequent and nobody looks for their place in
 * the code, so they go without a stack, which takes a third of the time of an answer.
 */
function isRefusal(code: ErrorCode): boolean {
  return errorCodes[code].status < 500 || code === 'overloaded'
}

/** Writes the path `['instances', 2, 'features']` as `instances[2].features`. */
export function toFieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`),
    '',
  )
}
