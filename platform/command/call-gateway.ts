import { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'
import { errorBody } from '../../contracts/http.ts'

/** A running gateway's answer as JSON; its error as the same `ServiceError`. Sends HINDSIGHT_API_KEY where it is set. */
export async function callGateway(baseUrl: string, path: string, send?: { method: 'POST' | 'PUT'; body: unknown }): Promise<unknown> {
  const key = process.env['HINDSIGHT_API_KEY']
  const headers = { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) }
  const response = await reach(baseUrl, path, send === undefined ? { headers } : { ...send, headers, body: JSON.stringify(send.body) })
  const answer: unknown = await response.json().catch(() => undefined)
  if (response.ok) return answer
  const parsed = errorBody.safeParse(answer)
  if (!parsed.success)
    throw new ServiceError('internal', `the gateway answered ${response.status}`, { cause: z.prettifyError(parsed.error) })
  const { code, message, path: field, hint } = parsed.data.error
  throw new ServiceError(code, message, { ...(field !== undefined && { path: field }), ...(hint !== undefined && { hint }) })
}

async function reach(baseUrl: string, path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(new URL(path, baseUrl), init)
  } catch (error) {
    const cause = error as Error
    if (isSlow(cause)) throw new ServiceError('not_ready', `the gateway at ${baseUrl} does not answer`, { cause, hint: 'see its log' })
    throw new ServiceError('not_ready', `no gateway answers at ${baseUrl}`, { cause, hint: 'start it with `npx hindsight up`' })
  }
}

/** Whether a connection was made over which no answer came in time. */
function isSlow({ cause }: { cause?: unknown }): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'UND_ERR_HEADERS_TIMEOUT'
}
