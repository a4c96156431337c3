import type { Context, ErrorHandler, NotFoundHandler } from 'hono'
import type { Logger } from 'pino'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { errorCodes, ServiceError, toServiceError } from '../../contracts/errors.ts'
import type { ErrorBody } from '../../contracts/http.ts'
import { acceptedEncodings } from './content-encoding.ts'
import type { GatewayEnv } from './gateway-env.ts'

/** Seconds after which a refused request is worth sending again, unless the error knows; drain and overload pass in about that time. */
const defaultRetryAfterSeconds = 1
const retryLater: readonly number[] = [409, 429, 503]

/** The one place where an error becomes an answer. What is not a `ServiceError` is logged and answered as `internal`. */
export function createErrorHandler(logger: Logger): ErrorHandler<GatewayEnv> {
  return (error, c) => {
    const known = toServiceError(error)
    log(logger, c, known)
    return toErrorResponse(c, known)
  }
}

/** A fault of ours with its stack; what passes by itself, or is the client's affair, in one line. */
function log(logger: Logger, c: Context<GatewayEnv>, error: ServiceError): void {
  const { status } = errorCodes[error.code]
  const ids = { code: error.code, request_id: c.var.requestId, path: c.req.path }
  if (status === 500) logger.error({ ...ids, err: error }, 'request failed')
  else logger[status > 500 && error.code !== 'overloaded' ? 'warn' : 'debug'](ids, `request refused: ${error.message}`)
}

export const notFound: NotFoundHandler<GatewayEnv> = (c) =>
  toErrorResponse(
    c,
    new ServiceError('not_found', `there is no ${c.req.path.slice(0, 200)}`, { hint: 'GET /openapi.json lists the paths' }),
  )

export function toErrorResponse(c: Context<GatewayEnv>, error: ServiceError): Response {
  const { status } = errorCodes[error.code]
  c.set('errorCode', error.code)
  if (retryLater.includes(status) && error.retryable) c.header('Retry-After', String(error.retryAfterSeconds ?? defaultRetryAfterSeconds))
  if (error.code === 'unauthorized') c.header('WWW-Authenticate', 'Bearer')
  if (error.code === 'unsupported_encoding') c.header('Accept-Encoding', acceptedEncodings)
  const body = /^\/v2(\/|$)/.test(c.req.path) ? toV2ErrorBody(error) : toErrorBody(error, c.var.requestId)
  return c.json(body, status as ContentfulStatusCode)
}

/** A fault of the server says nothing of its inside: the log has it under the request id. */
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

/** The Open Inference Protocol has one text for all. */
function toV2ErrorBody({ message, path, hint }: ServiceError): { error: string } {
  return { error: `${path === undefined ? '' : `${path}: `}${message}${hint === undefined ? '' : `; ${hint}`}` }
}
