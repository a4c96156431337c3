import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Handler } from 'hono'
import type { Logger } from 'pino'
import type { ServiceError } from '../../contracts/errors.ts'
import type { Access } from '../access/access.ts'
import type { Gate } from '../bounds/gate.ts'
import { type Answer, toSentForm } from '../http/answer.ts'
import { requireScope } from '../http/caller.ts'
import type { Closing } from '../http/closing.ts'
import { toLoggedErrorAnswer } from '../http/errors.ts'
import type { Exchange } from '../http/exchange.ts'
import { exchangeOf } from '../http/exchange-of.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { NodeExchange } from '../http/node-exchange.ts'
import { createPlainPaths, isPlainHost } from '../http/plain-paths.ts'
import { createRawHeaders } from '../http/raw-headers.ts'
import { clientId } from '../http/request-context.ts'
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts'

/** A request for predictions on its way. */
export type Call = Target & {
  readonly exchange: Exchange
  /** Unix milliseconds, and the same moment on the monotonic clock. */
  readonly receivedAtMs: number
  readonly receivedTick: number
  /** The id that the body gives, and before the body is known that of the header, or one made here. */
  requestId: string
  /** Whether the caller gave the request id. */
  requestIdGiven: boolean
}

/** The parts that a path names. */
type Target = { readonly path: string; readonly model: string; readonly version: string | undefined }

export type Act = (call: Call, tenant: string) => Promise<Answer>

/** The error of a call to the model, where that is known before anything is made of the call. */
export type Refusal = (model: string) => ServiceError | undefined

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

/** The short way for requests for predictions, which passes by Hono's middlewares. */
export type Front = {
  /** The handler of `POST` to a route, such as `/v1/models/:model/predict`. */
  route(route: string, act: Act, refusal: Refusal): Handler<GatewayEnv>
  /**
   * Answers a request of Node's before anything is made of it for Hono, or does nothing and returns false: only those to the routes
   * whose target and host are written plainly are answered here.
   */
  answer(incoming: IncomingMessage, outgoing: ServerResponse): boolean
}

type Route = { route: string; act: Act; refusal: Refusal }

/** What middlewares do for all other requests is one function here, and the answer leaves in one write. */
export function createFront(deps: FrontDeps): Front {
  const { access, gate, closing, metrics, logger, now, tick, newId } = deps
  const rawHeaders = createRawHeaders(deps.corsOrigins)
  const paths = createPlainPaths<Route>()

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

  /** The answer to a call that is refused, to whoever may call: without a promise or an exception, so that it costs little more than its sockets. */
  function refused(call: Call, refusal: Refusal): Answer | undefined {
    const error = refusal(call.model)
    return error !== undefined && mayPredict(call) ? toLoggedErrorAnswer(logger, error, call) : undefined
  }

  /** Whoever may not is told so by `admitted`. */
  function mayPredict({ exchange }: Call): boolean {
    try {
      return access.identify(exchange.header('authorization')).scopes.has('predict')
    } catch {
      return false
    }
  }

  async function answer({ route, act, refusal }: Route, exchange: Exchange, target: Target): Promise<Response> {
    const given = clientId(exchange.header('x-request-id'))
    const call: Call = {
      path: target.path,
      model: target.model,
      version: target.version,
      exchange,
      receivedAtMs: now(),
      receivedTick: tick(),
      requestId: given ?? newId(),
      requestIdGiven: given !== undefined,
    }
    const sent = refused(call, refusal) ?? (await admitted(call, act).catch((error: unknown) => toLoggedErrorAnswer(logger, error, call)))
    metrics.request({ route, method: 'POST', status: sent.status ?? 200, code: sent.errorCode ?? '' }, tick() - call.receivedTick)
    const { requestId } = call
    return exchange.send(sent, rawHeaders(sent, { requestId, origin: exchange.header('origin'), isLast: closing.phase !== 'serving' }))
  }

  /** Answers an exchange of Node's own, whose result nobody waits for. */
  function answerAlone(route: Route, exchange: Exchange, target: Target): void {
    answer(route, exchange, target).catch((error: unknown) => {
      logger.error({ err: error, path: target.path }, 'an answer was not sent')
      exchange.abort?.()
    })
  }

  return {
    route(path, act, refusal) {
      const route = { route: path, act, refusal }
      paths.add(path, route)
      return function short(c) {
        const exchange = exchangeOf(c)
        const target = { path: c.req.path, model: c.req.param('model') ?? '', version: c.req.param('version') }
        if (exchange.abort === undefined) return answer(route, exchange, target)
        answerAlone(route, exchange, target)
        return RESPONSE_ALREADY_SENT
      }
    },
    answer(incoming, outgoing) {
      const { method, url = '', headers } = incoming
      const place = method === 'POST' && isPlainHost(headers.host) ? paths.find(url) : undefined
      if (place === undefined) return false
      const [model = '', version] = place.values
      answerAlone(place.found, new NodeExchange({ incoming, outgoing }), { path: url, model, version })
      return true
    },
  }
}
