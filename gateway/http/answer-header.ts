import type { Context } from 'hono'
import type { GatewayEnv } from './gateway-env.ts'

/**
 * Sets a header of the answer that is still to be made: on the listener's own answer where there is one. Hono would make an
 * object of the headers for each request, and a stream of an answer that is given one later.
 */
export function setAnswerHeader(c: Context<GatewayEnv>, name: string, value: string): void {
  const outgoing = c.env?.outgoing
  if (outgoing === undefined) c.header(name, value)
  else outgoing.setHeader(name, value)
}
