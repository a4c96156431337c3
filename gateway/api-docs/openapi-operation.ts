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
  /** Asks for no key. */
  open?: true
  /** Takes an Idempotency-Key. */
  keyed?: true
  /** Answers 503 in its own form, and not as an error. */
  unready?: true
  /** Bodies and errors are those of the Open Inference Protocol. */
  protocol?: 'v2'
}

/** What a request with an Idempotency-Key may be refused for besides. */
export const keyedErrors = ['idempotency_conflict', 'idempotency_mismatch', 'idempotency_unavailable'] as const satisfies ErrorCode[]

/** What any JSON may be refused for. */
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

/** What any body that is to be recorded may be refused for. */
export const bodyErrors = [...jsonErrors, 'overloaded', 'outbox_unavailable'] as const satisfies ErrorCode[]
