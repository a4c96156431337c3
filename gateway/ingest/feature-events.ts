import type { EventSourceDefinition } from '../../contracts/event-source.ts'
import { type FeatureEvent, featureEventFields, type FeatureEventFields, featureEventPayloadHash } from '../../contracts/feature-event.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import { knownNames } from '../../platform/project/problems.ts'
import { tenant } from '../tenant.ts'
import type { ItemKind, ItemProblem } from './ingest.ts'
import { normaliseTimes } from './normalise-times.ts'

export const eventItem = featureEventFields

/** One source's events, judged by its definition. */
export function createEventKind(source: EventSourceDefinition): ItemKind<FeatureEventFields> {
  const keys = new Set(Object.keys(source.keys))
  const values = new Map(Object.entries(source.values))
  return {
    kind: 'feature_event',
    lane: 'feature_events',
    nameOf: () => source.name,
    idOf: (fields) => fields.event_id,
    check: (fields) => checkKeys(keys, fields.keys) ?? checkValues(values, fields),
    toEvent: (fields, stamp) => toEvent(source.name, fields, stamp),
  }
}

type ValueDefinitions = ReadonlyMap<string, EventSourceDefinition['values'][string]>

function checkKeys(known: ReadonlySet<string>, sent: Record<string, string>): ItemProblem | undefined {
  const missing = [...known].find((key) => !Object.hasOwn(sent, key))
  if (missing !== undefined) return { code: 'invalid_request', path: `keys.${missing}`, message: 'is required' }
  const unknown = Object.keys(sent).find((key) => !known.has(key))
  return unknown === undefined ? undefined : unknownName('keys', unknown, known)
}

function checkValues(definitions: ValueDefinitions, fields: FeatureEventFields): ItemProblem | undefined {
  const sent = new Map(Object.entries(fields.values ?? {}))
  for (const [name, definition] of definitions) {
    const value = sent.get(name)
    const problem = value === undefined ? undefined : checkValue(name, definition, value)
    if (problem !== undefined) return problem
    if (value === undefined && definition.required && fields.retracts === undefined)
      return { code: 'invalid_request', path: `values.${name}`, message: 'is required' }
  }
  const unknown = [...sent.keys()].find((name) => !definitions.has(name))
  return unknown === undefined ? undefined : unknownName('values', unknown, definitions.keys())
}

function checkValue(name: string, definition: EventSourceDefinition['values'][string], value: Scalar): ItemProblem | undefined {
  const path = `values.${name}`
  const type = typeof value === 'string' ? 'text' : typeof value
  if (type !== definition.type) return { code: 'invalid_request', path, message: `expected ${definition.type}, received ${type}` }
  if (typeof value !== 'number') return undefined
  if (definition.min !== undefined && value < definition.min)
    return { code: 'out_of_range', path, message: `${value} is below the minimum of ${definition.min}` }
  if (definition.max !== undefined && value > definition.max)
    return { code: 'out_of_range', path, message: `${value} is above the maximum of ${definition.max}` }
  return undefined
}

function unknownName(field: string, name: string, known: Iterable<string>): ItemProblem {
  return { code: 'invalid_request', path: `${field}.${name}`, message: `the source defines no ${name}; ${knownNames(name, known)}` }
}

function toEvent(source: string, sent: FeatureEventFields, stamp: { id: string; ingestedAt: string }): FeatureEvent {
  const fields = normaliseTimes(sent, ['event_time', 'known_at'])
  return {
    values: {},
    known_at: stamp.ingestedAt,
    ...fields,
    schema_version: 1,
    event_id: stamp.id,
    tenant,
    source,
    ingested_at: stamp.ingestedAt,
    payload_hash: featureEventPayloadHash(source, fields),
  } as FeatureEvent
}
