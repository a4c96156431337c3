import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ErrorCode } from '../../contracts/errors.ts'
import { compress } from '../../platform/compression/compress.ts'
import type { Encoding } from '../../platform/compression/decompress.ts'
import { chooseEncoding } from './accept-encoding.ts'
import type { GatewayEnv } from './gateway-env.ts'

/** The size up to which a compressed answer would take no fewer packets. */
const minBytes = 1024

/** An answer; `errorCode` is the code of the error that it tells, if it is one. */
export type Answer = {
  body: string | Uint8Array<ArrayBuffer>
  headers: Record<string, string>
  status?: number
  errorCode?: ErrorCode | undefined
}

/** The answer compressed where the client asks for it, by its `Accept-Encoding`, and it is over 1 KB. */
export function toSentForm(answer: Answer, acceptEncoding: string | undefined): Answer | Promise<Answer> {
  const { body, headers } = answer
  const size = typeof body === 'string' ? body.length : body.byteLength
  if (size <= minBytes) return answer
  const varying = { ...answer, headers: { ...headers, Vary: 'Accept-Encoding' } }
  const encoding = chooseEncoding(acceptEncoding, size)
  return encoding === undefined ? varying : compressed(varying, encoding)
}

async function compressed(answer: Answer, encoding: Encoding): Promise<Answer> {
  const { body, headers } = answer
  const bytes = await compress(typeof body === 'string' ? Buffer.from(body) : body, encoding)
  return { ...answer, body: bytes, headers: { ...headers, 'Content-Encoding': encoding } }
}

/** Answers a request of Hono's, compressed as above; never for HEAD, whose body is not sent. */
export async function answer(c: Context<GatewayEnv>, whole: Answer): Promise<Response> {
  const { body, headers, status = 200 } = await toSentForm(whole, c.req.method === 'HEAD' ? undefined : c.req.header('accept-encoding'))
  return c.body(body, status as ContentfulStatusCode, headers)
}

export function answerJson(c: Context<GatewayEnv>, value: unknown, status = 200): Promise<Response> {
  return answer(c, { body: JSON.stringify(value), headers: jsonHeaders, status })
}

export const jsonHeaders = { 'Content-Type': 'application/json' }
