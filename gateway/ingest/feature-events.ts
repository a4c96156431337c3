import type { EventSourceDefinition } from '../../contracts/event-source.ts'
import { type FeatureEvent, featureEventFields, type FeatureEventFields, featureEventPayloadHash } from '../../contracts/feature-event.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import { knownNames } from '../../platform/text/known-names.ts'
import type { ItemKind, ItemProblem, ItemStamp } from './ingest.ts'
import { normaliseTimes } from './normalise-times.ts'

type ShapeProblem = { path: [field: string, name: string]; message: string }

/** The shape of one source's events: its keys, and its values with their types. What is possible is judged later. */
export function eventItemOf(source: EventSourceDefinition) {
  const keys = new Set(Object.keys(source.keys))
  const values = new Map(Object.entries(source.values))
  return featureEventFields.superRefine((fields, context) => {
    const problem = checkKeys(keys, fields.keys) ?? checkValueTypes(values, fields)
    if (problem !== undefined) context.addIssue({ code: 'custom', ...problem })
  })
}

/** Judges one source's events by the ranges of its definition. */
export function createEventKind(source: EventSourceDefinition): ItemKind<FeatureEventFields> {
  const values = new Map(Object.entries(source.values))
  return {
    kind: 'feature_event',
    lane: 'feature_events',
    nameOf: () => source.name,
    idOf: (fields) => fields.event_id,
    check: (fields) => checkRanges(values, fields),
    toEvent: (fields, stamp) => toEvent(source.name, fields, stamp),
  }
}

type ValueDefinition = EventSourceDefinition['values'][string]
type ValueDefinitions = ReadonlyMap<string, ValueDefinition>

function checkKeys(known: ReadonlySet<string>, sent: Record<string, string>): ShapeProblem | undefined {
  const missing = [...known].find((key) => !Object.hasOwn(sent, key))
  if (missing !== undefined) return { path: ['keys', missing], message: 'is required' }
  const unknown = Object.keys(sent).find((key) => !known.has(key))
  return unknown === undefined ? undefined : unknownName('keys', unknown, known)
}

function checkValueTypes(definitions: ValueDefinitions, fields: FeatureEventFields): ShapeProblem | undefined {
  const sent = new Map(Object.entries(fields.values ?? {}))
  for (const [name, definition] of definitions) {
    const value = sent.get(name)
    const problem = value === undefined ? undefined : checkType(name, definition, value)
    if (problem !== undefined) return problem
    if (value === undefined && definition.required && fields.retracts === undefined)
      return { path: ['values', name], message: 'is required' }
  }
  const unknown = [...sent.keys()].find((name) => !definitions.has(name))
  return unknown === undefined ? undefined : unknownName('values', unknown, definitions.keys())
}

function checkType(name: string, definition: ValueDefinition, value: Scalar): ShapeProblem | undefined {
  const type = typeof value === 'string' ? 'text' : typeof value
  return type === definition.type ? undefined : { path: ['values', name], message: `expected ${definition.type}, received ${type}` }
}

function unknownName(field: string, name: string, known: Iterable<string>): ShapeProblem {
  return { path: [field, name], message: `the source defines no ${name}; ${knownNames(name, known)}` }
}

function checkRanges(definitions: ValueDefinitions, fields: FeatureEventFields): ItemProblem | undefined {
  for (const [name, value] of Object.entries(fields.values ?? {})) {
    const definition = definitions.get(name)
    const message = definition === undefined || typeof value !== 'number' ? undefined : outsideOf(definition, value)
    if (message !== undefined) return { code: 'out_of_range', path: `values.${name}`, message }
  }
  return undefined
}

function outsideOf({ min, max }: ValueDefinition, value: number): string | undefined {
  if (min !== undefined && value < min) return `${value} is below the minimum of ${min}`
  return max !== undefined && value > max ? `${value} is above the maximum of ${max}` : undefined
}

function toEvent(source: string, sent: FeatureEventFields, stamp: ItemStamp): FeatureEvent {
  const fields = normaliseTimes(sent, ['event_time', 'known_at'])
  return {
    values: {},
    known_at: stamp.ingestedAt,
    ...fields,
    schema_version: 1,
    event_id: stamp.id,
    tenant: stamp.tenant,
    source,
    ingested_at: stamp.ingestedAt,
    payload_hash: featureEventPayloadHash(source, fields),
  } as FeatureEvent
}
