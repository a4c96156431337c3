import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from './caller.ts'

/** What middleware leaves for the handlers of one request. */
export type GatewayEnv = {
  /** Node's own request and response, as the listener passes them on. */
  Bindings: { incoming?: IncomingMessage; outgoing?: ServerResponse }
  Variables: {
    /** The id of the header X-Request-Id, or one made here. */
    requestId: string
    /** The moment of receipt on the monotonic clock, in milliseconds. */
    receivedTick: number
    /** Who calls; set behind authentication only. */
    caller: Caller
    /** Why the request was refused, for the metrics. */
    errorCode?: string
  }
}
