import { ServiceError } from '../../contracts/errors.ts'
import { idempotencyKey } from '../../contracts/primitives.ts'
import type { Answer } from '../http/answer.ts'
import type { StoredAnswer } from './idempotency-store.ts'

/** The key that a request names by its header `Idempotency-Key`; undefined when it has none. Throws `invalid_request` for one of another form. */
export function parseIdempotencyKey(sent: string | undefined): string | undefined {
  if (sent === undefined) return undefined
  const parsed = idempotencyKey.safeParse(sent)
  if (parsed.success) return parsed.data
  throw new ServiceError('invalid_request', 'must be 1 to 255 visible ASCII characters', { path: 'Idempotency-Key' })
}

export function toStoredAnswer({ headers, body }: Answer): StoredAnswer {
  return { headers, body: typeof body === 'string' ? Buffer.from(body) : body }
}

/** The answer to send: the same bytes each time, and a header on one that was given before. */
export function fromStoredAnswer({ answer, replayed }: { answer: StoredAnswer; replayed: boolean }): Answer {
  const { headers } = answer
  return { body: new Uint8Array(answer.body), headers: replayed ? { ...headers, 'Idempotency-Replayed': 'true' } : headers }
}
