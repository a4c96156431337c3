import type { Handler } from 'hono'
import type { LabelDefinition } from '../../contracts/label-definition.ts'
import { answerJson } from '../http/answer.ts'
import type { GatewayEnv } from '../http/gateway-env.ts'
import { readJsonBody } from '../http/json-body.ts'
import type { Ingest } from '../ingest/ingest.ts'
import { parseItems } from '../ingest/items.ts'
import { createLabelKind, labelItem } from '../ingest/labels.ts'

/** `POST /v1/labels` */
export function labelsRoute(deps: { definitions: ReadonlyMap<string, LabelDefinition>; ingest: Ingest }): Handler<GatewayEnv> {
  const kind = createLabelKind(deps.definitions)
  return async function labels(c) {
    const items = parseItems(labelItem, { field: 'labels', body: await readJsonBody(c) })
    const { response } = await deps.ingest(kind, items, c.var.caller.tenant)
    return answerJson(c, response, 202)
  }
}
