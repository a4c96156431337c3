import type { z } from 'zod'
import type { ErrorCode } from '../../contracts/errors.ts'
import type { examples } from './openapi-examples.ts'

/** One method of one path, as the document and the docs page describe it. */
export type Operation = {
  method: 'get' | 'post' | 'put'
  path: string
  summary: string
  body?: keyof typeof examples
  bodyOptional?: true
  query?: z.ZodObject
  status?: number
  response: z.ZodType
  errors: readonly ErrorCode[]
  /** The operation asks for no key. */
  open?: true
  /** The operation takes an Idempotency-Key. */
  keyed?: true
  /** The operation answers 503 in its own form, and not as an error. */
  unready?: true
  /** The operation's bodies and errors are those of the Open Inference Protocol. */
  protocol?: 'v2'
}

/** The errors that only a request with an Idempotency-Key may be refused with. */
export const keyedErrors = ['idempotency_conflict', 'idempotency_mismatch', 'idempotency_unavailable'] as const satisfies ErrorCode[]

/** The errors that any JSON body may be refused with. */
export const jsonErrors = [
  'invalid_json',
  'invalid_request',
  'too_deep',
  'not_finite',
  'body_too_large',
  'unsupported_media_type',
  'invalid_encoding',
  'unsupported_encoding',
] as const satisfies ErrorCode[]

/** The errors that any body which is to be recorded may be refused with. */
export const bodyErrors = [...jsonErrors, 'overloaded', 'outbox_unavailable'] as const satisfies ErrorCode[]
