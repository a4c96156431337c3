import type { Handler } from 'hono'
import type { LabelDefinition } from '../../contracts/label-definition.ts'
import type { LabelEvent, LabelFields } from '../../contracts/label-event.ts'
import { answerJson } from '../http/answer.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { readJsonBody } from '../http/json-body.ts'
import { exchangeOf } from '../http/exchange-of.ts'
import type { Ingest, Review } from '../ingest/ingest.ts'
import { parseItems } from '../ingest/items.ts'
import { createLabelKind, labelItem, refuseConflict } from '../ingest/labels.ts'

/** `GET /v1/labels` */
export function labelDefinitionsRoute(definitions: ReadonlyMap<string, LabelDefinition>): Handler<GatewayEnv> {
  const labels = [...definitions.values()]
  return (c) => answerJson(c, { labels })
}

/** `POST /v1/labels` */
export function labelsRoute(deps: {
  definitions: ReadonlyMap<string, LabelDefinition>
  ingest: Ingest
  review: Review<LabelFields, LabelEvent>
}): Handler<GatewayEnv> {
  const kind = createLabelKind(deps.definitions, deps.review)
  return async function labels(c) {
    const items = parseItems(labelItem, { field: 'labels', body: await readJsonBody(exchangeOf(c)) })
    const { response } = await deps.ingest(kind, items, c.var.caller.tenant)
    refuseConflict(items, response)
    return answerJson(c, response, 202)
  }
}
