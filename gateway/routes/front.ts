import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context, Handler } from 'hono'
import type { Logger } from 'pino'
import type { Access } from '../access/access.ts'
import type { Gate } from '../bounds/gate.ts'
import { type Answer, toSentForm } from '../http/answer.ts'
import { requireScope } from '../http/caller.ts'
import type { Closing } from '../http/closing.ts'
import { toLoggedErrorAnswer } from '../http/errors.ts'
import type { Exchange } from '../http/exchange.ts'
import { exchangeOf } from '../http/exchange-of.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { createRawHeaders } from '../http/raw-headers.ts'
import { clientId } from '../http/request-context.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'

/** A request for predictions on its way. */
export type Call = {
  readonly exchange: Exchange
  /** What its path names. */
  readonly model: string
  readonly version: string | undefined
  /** Unix milliseconds, and the same moment on the monotonic clock. */
  readonly receivedAtMs: number
  readonly receivedTick: number
  /** The body's once it is known, before that the header's or ours. */
  requestId: string
  /** Whether that is the caller's. */
  requestIdGiven: boolean
}

export type Act = (call: Call, tenant: string) => Promise<Answer>

export type FrontDeps = {
  access: Access
  gate: Gate
  closing: Closing
  metrics: Pick<GatewayMetrics, 'request'>
  logger: Logger
  corsOrigins: readonly string[]
  now: () => number
  tick: () => number
  newId: () => string
}

/**
 * The short way of requests for predictions: what middlewares do for all others is one function here, and the answer leaves in one
 * write. Makes a handler of a route from what answers its calls.
 */
export function createFront(deps: FrontDeps) {
  const { access, gate, closing, metrics, logger, now, tick, newId } = deps
  const rawHeaders = createRawHeaders(deps.corsOrigins)

  function begin(c: Context<GatewayEnv>): Call {
    const exchange = exchangeOf(c)
    const given = clientId(exchange.header('x-request-id'))
    return {
      exchange,
      model: c.req.param('model') ?? '',
      version: c.req.param('version'),
      receivedAtMs: now(),
      receivedTick: tick(),
      requestId: given ?? newId(),
      requestIdGiven: given !== undefined,
    }
  }

  async function admitted(call: Call, act: Act): Promise<Answer> {
    const caller = access.identify(call.exchange.header('authorization'))
    const use = gate.enter(caller)
    try {
      requireScope(caller, ['predict'])
      return await toSentForm(await act(call, caller.tenant), call.exchange.header('accept-encoding'))
    } finally {
      gate.leave(use)
    }
  }

  return function front(route: string, act: Act): Handler<GatewayEnv> {
    async function answer(call: Call, path: string): Promise<Response> {
      const { exchange, receivedTick } = call
      const sent = await admitted(call, act).catch((error: unknown) => {
        const { requestId } = call
        return toLoggedErrorAnswer(logger, error, { requestId, path })
      })
      metrics.request({ route, method: 'POST', status: sent.status ?? 200, code: sent.errorCode ?? '' }, tick() - receivedTick)
      const { requestId } = call
      return exchange.send(sent, rawHeaders(sent, { requestId, origin: exchange.header('origin'), isLast: closing.phase !== 'serving' }))
    }

    return function short(c) {
      const call = begin(c)
      const { path } = c.req
      const answered = answer(call, path)
      const { exchange } = call
      if (exchange.abort === undefined) return answered
      answered.catch((error: unknown) => {
        logger.error({ err: error, path }, 'an answer was not sent')
        exchange.abort?.()
      })
      return RESPONSE_ALREADY_SENT
    }
  }
}

export type Front = ReturnType<typeof createFront>
