import type { Handler } from 'hono'
import { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'
import type { EventSourceDefinition } from '../../contracts/event-source.ts'
import { knownNames } from '../../platform/text/known-names.ts'
import { answerJson } from '../http/answer.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { readJsonBody } from '../http/json-body.ts'
import { exchangeOf } from '../http/exchange-of.ts'
import { validate } from '../http/validate.ts'
import type { AppliedWaiter } from '../ingest/applied-waiter.ts'
import { createEventKind, eventItemOf } from '../ingest/feature-events.ts'
import type { Ingest } from '../ingest/ingest.ts'
import { parseItems } from '../ingest/items.ts'

/** `wait=applied` answers once predictions can see the events, or after `timeout_ms`. */
export const eventsQuery = z.strictObject({
  wait: z.enum(['applied']).optional().describe('Answer only when the online store has applied what was written.'),
  timeout_ms: z.coerce.number().int().min(0).max(60_000).default(5_000).describe('Longest wait; then `applied` is false.'),
})

/** `POST /v1/events/:source` */
export function eventsRoute(deps: {
  sources: ReadonlyMap<string, EventSourceDefinition>
  ingest: Ingest
  waitUntilApplied: AppliedWaiter
}): Handler<GatewayEnv> {
  const sources = new Map([...deps.sources].map(([name, source]) => [name, { kind: createEventKind(source), item: eventItemOf(source) }]))
  return async function events(c) {
    const name = (c.req.param('source') ?? '').slice(0, 64)
    const source = sources.get(name)
    if (source === undefined)
      throw new ServiceError('unknown_source', `the project has no event source ${name}`, { hint: knownNames(name, sources.keys()) })
    const query = validate(eventsQuery, c.req.query())
    const items = parseItems(source.item, { field: 'events', body: await readJsonBody(exchangeOf(c)) })
    const { response, origins } = await deps.ingest(source.kind, items, c.var.caller.tenant)
    if (query.wait === undefined) return answerJson(c, response, 202)
    return answerJson(c, { ...response, applied: await deps.waitUntilApplied(origins, query.timeout_ms) }, 202)
  }
}
