import type { Handler } from 'hono'
import { ServiceError } from '../../contracts/errors.ts'
import { uuid } from '../../contracts/primitives.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { answerJson } from '../http/answer.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { findPrediction } from '../lookup/find-prediction.ts'

/** The longest that a prediction may be on its way to the warehouse, which takes seconds; one that is older was never recorded. */
const visibleWithinMs = 10 * 60 * 1000

/** `GET /v1/predictions/:id` */
export function predictionsRoute(deps: { warehouse: Warehouse; now: () => number }): Handler<GatewayEnv> {
  return async function prediction(c) {
    const id = c.req.param('id') ?? ''
    if (!uuid.safeParse(id).success) throw new ServiceError('not_found', 'there is no such prediction: its id would be a UUID')
    const found = await findPrediction(deps.warehouse, { tenant: c.var.caller.tenant, id })
    if (found === undefined) throw notFound(id, deps.now())
    if (Date.parse(found.retention_until) <= deps.now()) throw new ServiceError('gone', 'the prediction is past its retention')
    return answerJson(c, found)
  }
}

function notFound(id: string, nowMs: number): ServiceError {
  const createdAtMs = uuidV7TimeMs(id)
  if (createdAtMs !== undefined && Math.abs(nowMs - createdAtMs) < visibleWithinMs)
    return new ServiceError('not_yet_visible', 'the prediction is not in the warehouse yet', { hint: 'try again in a second' })
  return new ServiceError('not_found', 'there is no such prediction')
}

/** The Unix milliseconds in the first 48 bits of a UUIDv7; undefined for another version. */
export function uuidV7TimeMs(id: string): number | undefined {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined
}
