import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { compress } from '../../platform/compression/compress.ts'
import type { Encoding } from '../../platform/compression/decompress.ts'
import { chooseEncoding } from './accept-encoding.ts'
import type { GatewayEnv } from './gateway-env.ts'

/** Below it a compressed answer takes no fewer packets. */
const minBytes = 1024

export type Answer = { body: string | Uint8Array<ArrayBuffer>; headers: Record<string, string>; status?: ContentfulStatusCode }

/** An answer that is compressed where the client asks for it and it is over 1 KB. */
export function answer(c: Context<GatewayEnv>, { body, headers, status = 200 }: Answer): Response | Promise<Response> {
  const size = typeof body === 'string' ? body.length : body.byteLength
  if (size <= minBytes) return c.body(body, status, headers)
  c.header('Vary', 'Accept-Encoding', { append: true })
  const encoding = c.req.method === 'HEAD' ? undefined : chooseEncoding(c.req.header('accept-encoding'), size)
  return encoding === undefined ? c.body(body, status, headers) : compressed(c, { body, headers, status }, encoding)
}

async function compressed(c: Context<GatewayEnv>, { body, headers, status }: Required<Answer>, encoding: Encoding): Promise<Response> {
  const bytes = await compress(typeof body === 'string' ? Buffer.from(body) : body, encoding)
  return c.body(bytes, status, { ...headers, 'content-encoding': encoding })
}

export function answerJson(c: Context<GatewayEnv>, value: unknown, status: ContentfulStatusCode = 200): Response | Promise<Response> {
  return answer(c, { body: JSON.stringify(value), headers: { 'content-type': 'application/json' }, status })
}
