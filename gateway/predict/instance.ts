import { ServiceError } from '../../contracts/errors.ts'
import type { PredictInstance } from '../../contracts/http.ts'
import type { ModelDefinition } from '../../contracts/model-definition.ts'
import { knownNames } from '../../platform/text/known-names.ts'
import { type Instance, type SentRow } from './prediction.ts'

/** The anchor of a model that names none. */
export const defaultAnchor = 'request'

/** An instance checked against its model as far as the request alone allows. Throws with a path inside the instance. */
export function toInstance(options: {
  definition: ModelDefinition
  sent: PredictInstance
  index: number
  decisionId: string
  tenant: string
  receivedAtMs: number
  row?: SentRow | undefined
}): Instance {
  const { definition, sent } = options
  refuseUnknownRoles(definition, sent.entities)
  const anchor = resolveAnchor(definition, sent.anchor)
  return {
    index: options.index,
    decisionId: options.decisionId,
    tenant: options.tenant,
    entities: sent.entities,
    anchor,
    anchorTimeMs: sent.anchor_time === undefined ? options.receivedAtMs : Date.parse(sent.anchor_time),
    features: sent.features,
    tags: sent.tags ?? [],
    row: options.row,
    question: undefined,
  }
}

function refuseUnknownRoles(definition: ModelDefinition, entities: Record<string, string>): void {
  const unknown = Object.keys(entities).find((role) => !Object.hasOwn(definition.entities, role))
  if (unknown === undefined) return
  throw new ServiceError('invalid_request', `${definition.name} has no entity role ${unknown}`, {
    path: `entities.${unknown}`,
    hint: knownNames(unknown, Object.keys(definition.entities)),
  })
}

function resolveAnchor(definition: ModelDefinition, sent: string | undefined): string {
  const known = definition.anchors === undefined ? [defaultAnchor] : Object.keys(definition.anchors)
  const anchor = sent ?? (known.length === 1 ? known[0] : undefined)
  if (anchor === undefined)
    throw new ServiceError('invalid_request', `is required: ${definition.name} has several anchors`, {
      path: 'anchor',
      hint: `known are ${known.join(', ')}`,
    })
  if (!known.includes(anchor))
    throw new ServiceError('unknown_anchor', `${definition.name} has no anchor ${anchor}`, {
      path: 'anchor',
      hint: knownNames(anchor, known),
    })
  return anchor
}
