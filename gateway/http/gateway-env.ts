import type { ServerResponse } from 'node:http'
import type { Caller } from './caller.ts'

/** What middleware leaves for the handlers of one request. */
export type GatewayEnv = {
  /** What the listener gives: Node's own response. */
  Bindings: { outgoing?: ServerResponse }
  Variables: {
    /** The body's request_id once it is known, before that the header's or ours. */
    requestId: string
    /** Whether that is the caller's. */
    requestIdGiven: boolean
    /** When the request arrived, Unix milliseconds. */
    receivedAtMs: number
    /** The moment of receipt on the monotonic clock, in milliseconds. */
    receivedTick: number
    /** Behind authentication only. */
    caller: Caller
    /** Why the request was refused, for the metrics. */
    errorCode?: string
  }
}
