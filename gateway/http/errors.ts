import type { Context, ErrorHandler, NotFoundHandler } from 'hono'
import type { Logger } from 'pino'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type ErrorCode, errorCodes, ServiceError, toServiceError } from '../../contracts/errors.ts'
import type { ErrorBody } from '../../contracts/http.ts'
import { type Answer, jsonHeaders } from './answer.ts'
import { acceptedEncodings } from './content-encoding.ts'
import type { GatewayEnv } from './gateway-env.ts'

/** The seconds after which a refused request is worth sending again, unless the error knows better; a drain or an overload passes in about that time. */
const defaultRetryAfterSeconds = 1
/** The statuses of errors that say when to come again, where that may help. */
export const retryLater: readonly number[] = [409, 429, 503]

/** The parts of a request that the answer to its error repeats. */
type Refused = { requestId: string; path: string }

/** The one place where an error becomes an answer. What is not a `ServiceError` is logged and answered as `internal`. */
export function createErrorHandler(logger: Logger): ErrorHandler<GatewayEnv> {
  return (error, c) => {
    const refused = { requestId: c.var.requestId, path: c.req.path }
    return send(c, toLoggedErrorAnswer(logger, error, refused))
  }
}

export const notFound: NotFoundHandler<GatewayEnv> = (c) => {
  const { path } = c.req
  const error = new ServiceError('not_found', `there is no ${path.slice(0, 200)}`, { hint: 'GET /openapi.json lists the paths' })
  return send(c, toErrorAnswer(error, { requestId: c.var.requestId, path }))
}

function send(c: Context<GatewayEnv>, { status, headers, body, errorCode }: ErrorAnswer): Response {
  c.set('errorCode', errorCode)
  return c.body(body, status as ContentfulStatusCode, headers)
}

export function toLoggedErrorAnswer(logger: Logger, error: unknown, refused: Refused): ErrorAnswer {
  const known = toServiceError(error)
  log(logger, known, refused)
  return toErrorAnswer(known, refused)
}

/** Logs a fault of ours with its stack, and in one line what passes by itself or is the client's affair. */
function log(logger: Logger, error: ServiceError, { requestId, path }: Refused): void {
  const { status } = errorCodes[error.code]
  const ids = { code: error.code, request_id: requestId, path }
  if (status === 500) logger.error({ ...ids, err: error }, 'request failed')
  else logger[status > 500 && error.code !== 'overloaded' ? 'warn' : 'debug'](ids, `request refused: ${error.message}`)
}

type ErrorAnswer = Answer & { body: string; errorCode: ErrorCode }

function toErrorAnswer(error: ServiceError, { requestId, path }: Refused): ErrorAnswer {
  const { code, retryable, retryAfterSeconds = defaultRetryAfterSeconds } = error
  const { status } = errorCodes[code]
  const headers: Record<string, string> = { ...jsonHeaders }
  if (retryLater.includes(status) && retryable) headers['Retry-After'] = String(retryAfterSeconds)
  if (code === 'unauthorized') headers['WWW-Authenticate'] = 'Bearer'
  if (code === 'unsupported_encoding') headers['Accept-Encoding'] = acceptedEncodings
  const body = /^\/v2(\/|$)/.test(path) ? toV2ErrorBody(error) : toErrorBody(error, requestId)
  return { status, headers, body: JSON.stringify(body), errorCode: code }
}

/** The body of an error's answer. A fault of the server tells nothing of its inside: the log has it under the request id. */
export function toErrorBody(error: ServiceError, requestId: string): ErrorBody {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.path !== undefined && { path: error.path }),
      ...(error.hint !== undefined && { hint: error.hint }),
      request_id: requestId,
    },
  }
}

/** An error in the form of the Open Inference Protocol, which has one text for message, path and hint. */
function toV2ErrorBody({ message, path, hint }: ServiceError): { error: string } {
  return { error: `${path === undefined ? '' : `${path}: `}${message}${hint === undefined ? '' : `; ${hint}`}` }
}
