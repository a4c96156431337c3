import type { Context } from 'hono'
import { ServiceError } from '../../contracts/errors.ts'
import { idempotencyKey } from '../../contracts/primitives.ts'
import { answer as send } from '../http/answer.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import type { StoredAnswer } from './idempotency-store.ts'

/** The request's `Idempotency-Key`; undefined when it has none. Throws `invalid_request` for one of another form. */
export function readIdempotencyKey(c: Context): string | undefined {
  const sent = c.req.header('idempotency-key')
  if (sent === undefined) return undefined
  const parsed = idempotencyKey.safeParse(sent)
  if (parsed.success) return parsed.data
  throw new ServiceError('invalid_request', 'must be 1 to 255 visible ASCII characters', { path: 'Idempotency-Key' })
}

/** Every answer under a key has the same bytes; one that was given before says so. */
export function sendStored(
  c: Context<GatewayEnv>,
  { answer, replayed }: { answer: StoredAnswer; replayed: boolean },
): Response | Promise<Response> {
  if (replayed) c.header('Idempotency-Replayed', 'true')
  return send(c, { body: new Uint8Array(answer.body), headers: answer.headers })
}
