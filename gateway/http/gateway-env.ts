import type { ServerResponse } from 'node:http'
import type { Caller } from './caller.ts'

/** What middleware leaves for the handlers of one request. */
export type GatewayEnv = {
  /** From the listener. */
  Bindings: { outgoing?: ServerResponse }
  Variables: {
    /** The body's request_id once it is known, before that the header's or ours. */
    requestId: string
    /** Whether that is the caller's. */
    requestIdGiven: boolean
    /** When the request arrived, Unix milliseconds. */
    receivedAtMs: number
    /** The same moment on the monotonic clock, milliseconds. */
    receivedTick: number
    /** Behind authentication only. */
    caller: Caller
    /** Why the request was refused, for the metrics. */
    errorCode?: string
  }
}
