import { ServiceError } from '../../contracts/errors.ts'
import type { AcceptedResponse } from '../../contracts/http.ts'
import type { LabelDefinition } from '../../contracts/label-definition.ts'
import { labelFields, type LabelEvent, type LabelFields, labelPayloadHash, mostLabelNumber } from '../../contracts/label-event.ts'
import { knownNames } from '../../platform/text/known-names.ts'
import type { ItemKind, ItemProblem, ItemStamp, Review } from './ingest.ts'
import { normaliseTimes } from './normalise-times.ts'

const targetsOf = (fields: LabelFields) =>
  (['prediction_id', 'request_id', 'entities'] as const).filter((name) => fields[name] !== undefined)

/** A label's shape, with what a plain schema cannot say: one target, one value. */
export const labelItem = labelFields.superRefine((fields, context) => {
  const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
  const [target, second] = targetsOf(fields)
  if (target === undefined) issue('prediction_id', 'a label needs a target: prediction_id, request_id or entities')
  if (second !== undefined) issue(second, `a label has one target, and ${target} is one already`)
  if (fields.index !== undefined && target !== 'request_id') issue('index', 'index goes with request_id')
  if (fields.anchor !== undefined && target !== 'entities') issue('anchor', 'anchor goes with entities')
  if (fields.anchor_time !== undefined && target !== 'entities') issue('anchor_time', 'anchor_time goes with entities')
  if (fields.entities !== undefined && Object.keys(fields.entities).length === 0) issue('entities', 'must name at least one entity')
  if (fields.supersedes !== undefined && fields.supersedes === fields.label_id) issue('supersedes', 'a label cannot supersede itself')
  if (fields.value_number !== undefined && fields.value_text !== undefined)
    issue('value_text', 'a label has one value, and value_number is one already')
  if (fields.value_number === undefined && fields.value_text === undefined && fields.retracted !== true)
    issue('value_number', 'a label needs value_number or value_text')
})

/** One label that conflicts refuses its request; among several, a conflict is a rejected item like any other. Throws `label_conflict`. */
export function refuseConflict({ isList }: { isList: boolean }, { rejected }: AcceptedResponse): void {
  const conflict = isList ? undefined : rejected.find(({ code }) => code === 'label_conflict')
  if (conflict === undefined) return
  throw new ServiceError('label_conflict', conflict.message, {
    path: 'label_id',
    hint: 'a correction has a label_id of its own, and names this one in supersedes',
  })
}

/** Labels, judged by the project's definitions. */
export function createLabelKind(
  definitions: ReadonlyMap<string, LabelDefinition>,
  review: Review<LabelFields, LabelEvent>,
): ItemKind<LabelFields, LabelEvent> {
  return {
    kind: 'label',
    lane: 'labels',
    nameOf: (fields) => fields.label,
    idOf: (fields) => fields.label_id,
    check(fields) {
      const definition = definitions.get(fields.label)
      return definition === undefined
        ? unknownLabel(fields.label, definitions)
        : (checkTarget(definition, fields) ?? checkValue(definition, fields))
    },
    toEvent: (fields, stamp) => toEvent(definitions.get(fields.label)?.type === 'category' ? withTextCategory(fields) : fields, stamp),
    review,
  }
}

/** A category is a text; a number stands for its digits, so that 1 and "1" are one statement. */
function withTextCategory({ value_number: number, ...fields }: LabelFields): LabelFields {
  return number === undefined ? fields : { ...fields, value_text: String(number) }
}

function unknownLabel(label: string, definitions: ReadonlyMap<string, LabelDefinition>): ItemProblem {
  return {
    code: 'unknown_label',
    path: 'label',
    message: `the project defines no label ${label}; ${knownNames(label, definitions.keys())}`,
  }
}

function checkTarget(definition: LabelDefinition, fields: LabelFields): ItemProblem | undefined {
  if (fields.entities === undefined || fields.anchor_time !== undefined || definition.match.kind !== 'exact') return undefined
  return { code: 'invalid_request', path: 'anchor_time', message: `${definition.name} matches exactly, so entities need an anchor_time` }
}

function checkValue(definition: LabelDefinition, fields: LabelFields): ItemProblem | undefined {
  if (definition.type === 'category') return checkCategory(definition, fields)
  return fields.value_text === undefined ? checkNumber(definition, fields.value_number) : wrongType(definition)
}

function wrongType({ name, type }: LabelDefinition): ItemProblem {
  return { code: 'invalid_request', path: 'value_text', message: `${name} is a ${type} label and takes value_number` }
}

function checkCategory({ name, categories = [] }: LabelDefinition, fields: LabelFields): ItemProblem | undefined {
  const { value_number: number, value_text: text = number === undefined ? undefined : String(number) } = fields
  if (text === undefined || categories.includes(text)) return undefined
  const path = number === undefined ? 'value_text' : 'value_number'
  return { code: 'out_of_range', path, message: `${name} has no such category; ${knownNames(text, categories)}` }
}

function checkNumber(definition: LabelDefinition, value: number | undefined): ItemProblem | undefined {
  if (value === undefined) return undefined
  if (definition.type === 'binary' && value !== 0 && value !== 1)
    return outOfRange(`${definition.name} is binary: ${value} is neither 0 nor 1`)
  if (definition.min !== undefined && value < definition.min)
    return outOfRange(`${value} is below ${definition.name}'s minimum of ${definition.min}`)
  if (definition.max !== undefined && value > definition.max)
    return outOfRange(`${value} is above ${definition.name}'s maximum of ${definition.max}`)
  if (Math.abs(value) > mostLabelNumber) return outOfRange(`${value} lies outside -${mostLabelNumber} to ${mostLabelNumber}`)
  return undefined
}

function outOfRange(message: string): ItemProblem {
  return { code: 'out_of_range', path: 'value_number', message }
}

function toEvent(sent: LabelFields, stamp: ItemStamp): LabelEvent {
  const fields = normaliseTimes(sent, ['event_time', 'known_at', 'anchor_time'])
  return {
    known_at: stamp.ingestedAt,
    source: { kind: 'outcome', name: 'api' },
    retracted: false,
    tags: [],
    ...fields,
    schema_version: 1,
    label_id: stamp.id,
    tenant: stamp.tenant,
    ingested_at: stamp.ingestedAt,
    payload_hash: labelPayloadHash(fields),
  } as LabelEvent
}
