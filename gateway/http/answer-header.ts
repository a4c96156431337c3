import type { Context } from 'hono'
import type { GatewayEnv } from './gateway-env.ts'

/**
 * A header of the answer that is still to be made. On the listener's own answer where there is one: of headers that it is
 * given, Hono makes an object for each request, and a stream of an answer that one is added to later.
 */
export function setAnswerHeader(c: Context<GatewayEnv>, name: string, value: string): void {
  const outgoing = c.env?.outgoing
  if (outgoing === undefined) c.header(name, value)
  else outgoing.setHeader(name, value)
}
