import { ServiceError } from '../../contracts/errors.ts'
import type { DerivedFeature, ModelFeature, OnlineFeature, RequestFeature } from '../../contracts/model-definition.ts'
import type { ServedFeature } from '../../contracts/prediction-event.ts'
import { type Scalar, toTimestamp } from '../../contracts/primitives.ts'
import type { Project } from '../../platform/project/project.ts'
import { derive } from '../derived/derive.ts'
import type { FeatureValue } from '../engine/feature-value.ts'
import type { AssemblyRequest } from './assembly-request.ts'
import { ownEntry } from '../../platform/project/own-entry.ts'

export type ServeContext = {
  request: AssemblyRequest
  project: Pick<Project, 'views' | 'lookups'>
  featureHashes: ReadonlyMap<string, string>
  /** The features served so far: all that this one derives from. */
  served: readonly ServedFeature[]
}

/** The reason of an online feature whose store did not answer. */
export const storeUnavailable = 'store_unavailable'

/** The fields of a served feature that its definition does not give. */
type ServedValue = Pick<ServedFeature, 'value' | 'status' | 'reason' | 'event_time' | 'age_ms'>

/** Serves one feature as the model will see it. A feature that the anchor does not allow is missing, whatever is known of it. */
export function serveFeature(feature: ModelFeature, allowed: boolean, context: ServeContext): ServedFeature {
  const { name, source } = feature
  const definition = context.featureHashes.get(name)!
  const { value, status, reason, event_time, age_ms }: ServedValue = allowed
    ? servedValueOf(feature, context)
    : { status: 'missing', reason: 'not_allowed' }
  // All fields, in the order of the keys, for each kind of feature: objects of one shape are quick to make, and to encode.
  return { age_ms, definition, event_time, name, reason, source, status, value }
}

function servedValueOf(feature: ModelFeature, context: ServeContext): ServedValue {
  switch (feature.source) {
    case 'request':
      return requestValue(feature, context)
    case 'online':
      return onlineValue(feature, context)
    case 'derived':
      return derivedValue(feature, context)
  }
}

function requestValue(feature: RequestFeature, { request }: ServeContext): ServedValue {
  const { name, from_entity: role } = feature
  const sent = ownEntry(request.features, name)
  const value = sent ?? (role === undefined ? undefined : ownEntry(request.entities, role))
  if (value !== undefined) return { value, status: 'ok' }
  if (feature.on_missing === 'reject') {
    const hint = role === undefined ? {} : { hint: `send it, or the entity ${role}` }
    throw new ServiceError('missing_feature', 'is required', { path: `features.${name}`, ...hint })
  }
  return instead(feature.on_missing, feature.default, { reason: 'not_sent' })
}

function onlineValue(feature: OnlineFeature, { request, project }: ServeContext): ServedValue {
  const value = readOnline(feature, request)
  if (value.status === 'missing') return missingOnline(feature, value.reason)
  const age = value.eventTimeMs === undefined ? undefined : request.anchorTimeMs - value.eventTimeMs
  const eventTime = age === undefined ? undefined : toTimestamp(request.anchorTimeMs - age)
  const maxAge = project.views.get(feature.view)?.max_age_seconds
  const stale = age !== undefined && maxAge !== undefined && age > maxAge * 1000
  if (!stale) return { value: value.value, status: 'ok', event_time: eventTime, age_ms: age }
  const why = { reason: 'older_than_max_age', event_time: eventTime, age_ms: age }
  if (feature.on_stale === 'use') return { value: value.value, status: 'stale', ...why }
  if (feature.on_stale === 'reject')
    throw unavailable(feature, `its newest event is ${Math.round(age / 1000)} s old, and ${maxAge} s are allowed`)
  return instead(feature.on_stale, feature.default, why)
}

type Unread = { status: 'missing'; reason: 'no_entity' | typeof storeUnavailable }

function readOnline(feature: OnlineFeature, request: AssemblyRequest): FeatureValue | Unread {
  if (!Object.hasOwn(request.entities, feature.entity)) return { status: 'missing', reason: 'no_entity' }
  if (request.storeUnavailable === true) return { status: 'missing', reason: storeUnavailable }
  return request.online(feature.view, feature.entity)?.get(feature.feature) ?? { status: 'missing', reason: 'not_ready' }
}

function missingOnline(feature: OnlineFeature, reason: string): ServedValue {
  const policy = missingPolicy(feature, reason)
  if (policy !== 'reject') return instead(policy, feature.default, { reason })
  if (reason === storeUnavailable) throw new ServiceError('online_store_unavailable', `${feature.name}: the online store does not answer`)
  if (reason !== 'anchor_too_old') throw unavailable(feature, `is missing: ${reason}`)
  throw new ServiceError('anchor_too_old', `${feature.name}: the online store no longer covers the anchor time`, { path: 'anchor_time' })
}

function missingPolicy(feature: OnlineFeature, reason: string): OnlineFeature['on_missing'] {
  if (reason === 'anchor_too_old') return feature.on_anchor_too_old
  return (reason === storeUnavailable ? feature.on_store_unavailable : undefined) ?? feature.on_missing
}

function unavailable(feature: OnlineFeature, message: string): ServiceError {
  return new ServiceError('feature_unavailable', `${feature.name}: ${message}`, { path: `features.${feature.name}` })
}

function instead(policy: 'missing' | 'default', value: Scalar | undefined, why: Omit<ServedValue, 'status' | 'value'>): ServedValue {
  return policy === 'default' && value !== undefined ? { value, status: 'defaulted', ...why } : { status: 'missing', ...why }
}

function derivedValue(feature: DerivedFeature, { request, project, served }: ServeContext): ServedValue {
  const valueOf = (name: string): Scalar | undefined => served.find((feature) => feature.name === name)?.value
  const { anchorTimeMs, entities } = request
  const result = derive(feature.derive, { anchorTimeMs, entities, valueOf, lookups: project.lookups })
  return 'value' in result ? { value: result.value, status: 'ok' } : { status: 'missing', reason: result.missing }
}
