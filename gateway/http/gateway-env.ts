import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from './caller.ts'

/** What middleware leaves for the handlers of one request. */
export type GatewayEnv = {
  /** What the listener gives: Node's own request and response. */
  Bindings: { incoming?: IncomingMessage; outgoing?: ServerResponse }
  Variables: {
    /** The header's, or ours. */
    requestId: string
    /** The moment of receipt on the monotonic clock, in milliseconds. */
    receivedTick: number
    /** Behind authentication only. */
    caller: Caller
    /** Why the request was refused, for the metrics. */
    errorCode?: string
  }
}
