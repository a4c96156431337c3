import type { DerivedFeature, ModelDefinition, ModelFeature, OnlineFeature, RequestFeature } from '../../contracts/model-definition.ts'
import type { ValueType } from '../../contracts/primitives.ts'
import { type BrokenDefinitions, reportUnknown } from './broken-definitions.ts'
import type { Definitions } from './definition-hashes.ts'
import { derivedInputs, timeZoneLookup } from './derivation-inputs.ts'
import { featureType, isOfType } from './feature-types.ts'
import { ownEntry } from './own-entry.ts'
import type { Report } from './problems.ts'
import { knownNames } from '../text/known-names.ts'

/** The definitions that hold, and the names of those that do not. */
export type CheckedDefinitions = Definitions & { broken: BrokenDefinitions }

type Context = {
  model: ModelDefinition
  definitions: CheckedDefinitions
  features: ReadonlyMap<string, ModelFeature>
  /** Reports at a field of the feature. */
  report: Report
}

/** Checks every feature of a model against the project, first each alone, then how they derive from one another. */
export function checkFeatures(
  model: ModelDefinition,
  definitions: CheckedDefinitions,
  { report, warn }: { report: Report; warn: Report },
): void {
  const features = new Map(model.features.map((feature) => [feature.name, feature]))
  for (const [index, feature] of model.features.entries()) {
    const at: Report = (path, ...rest) => report(['features', index, ...path], ...rest)
    const context: Context = { model, definitions, features, report: at }
    if (features.get(feature.name) !== feature) at(['name'], `there are two features "${feature.name}"`)
    if (feature.source === 'request') checkRequestFeature(feature, context)
    if (feature.source === 'online') checkOnlineFeature(feature, context, (path, ...rest) => warn(['features', index, ...path], ...rest))
    if (feature.source === 'derived') checkDerivedFeature(feature, context)
  }
}

function checkRequestFeature(feature: RequestFeature, context: Context): void {
  const { report, model } = context
  checkDefault(feature, feature.type, context)
  if (feature.from_entity !== undefined && !Object.hasOwn(model.entities, feature.from_entity))
    report(['from_entity'], `the model has no role "${feature.from_entity}"`, knownNames(feature.from_entity, Object.keys(model.entities)))
  if (feature.from_entity !== undefined && feature.type !== 'text') report(['type'], 'an entity id is text')
  if (feature.type !== 'number' && (feature.min ?? feature.max) !== undefined) report(['min'], `a ${feature.type} has no range`)
  if (feature.min !== undefined && feature.max !== undefined && feature.min > feature.max) report(['max'], 'max is below min')
  if (typeof feature.default === 'number' && !inRange(feature.default, feature)) report(['default'], 'the default lies outside min and max')
}

function inRange(value: number, { min = -Infinity, max = Infinity }: RequestFeature): boolean {
  return value >= min && value <= max
}

function checkOnlineFeature(feature: OnlineFeature, context: Context, warn: Report): void {
  const { report, model, definitions } = context
  const view = definitions.views.get(feature.view)
  if (view === undefined) {
    reportUnknown(report, ['view'], feature.view, { kind: 'views', known: definitions.views, broken: definitions.broken.views })
    return
  }
  const names = view.features.map(({ name }) => name)
  if (!names.includes(feature.feature)) {
    report(['feature'], `view "${view.name}" has no feature "${feature.feature}"`, knownNames(feature.feature, names))
    return
  }
  const role = ownEntry(model.entities, feature.entity)
  if (role === undefined)
    report(['entity'], `the model has no role "${feature.entity}"`, knownNames(feature.entity, Object.keys(model.entities)))
  else if (role.entity !== view.entity)
    report(['entity'], `role "${feature.entity}" is of the entity "${role.entity}", but view "${view.name}" is by "${view.entity}"`)
  checkDefault(feature, featureType(feature, definitions), context)
  if (feature.on_stale !== 'use' && view.max_age_seconds === undefined)
    warn(['on_stale'], `view "${view.name}" has no max_age_seconds, so its values are never stale`)
}

/** A policy that says default needs one, and a default must be of the feature's type. */
function checkDefault(feature: RequestFeature | OnlineFeature, type: ValueType, { report }: Context): void {
  const policies = Object.entries(feature).filter(([key, value]) => key.startsWith('on_') && value === 'default')
  for (const [policy] of policies) if (feature.default === undefined) report([policy], 'says default, and there is no default')
  if (feature.default !== undefined && !isOfType(feature.default, type)) report(['default'], `must be a ${type}, as the feature is`)
}

function checkDerivedFeature(feature: DerivedFeature, context: Context): void {
  const { report, features, definitions } = context
  const { derive } = feature
  const inputs = derivedInputs(derive)
  for (const input of inputs) {
    const source = features.get(input)
    if (source === undefined) report(['derive'], `the model has no feature "${input}"`, knownNames(input, features.keys()))
    else checkInputType(derive, source, context)
  }
  if (inputs.every((input) => features.has(input)) && isCyclic(feature.name, features))
    report(['derive'], `"${feature.name}" derives from itself`)
  if (derive.function === 'bucketize' && derive.boundaries.some((boundary, index, all) => index > 0 && boundary <= all[index - 1]!))
    report(['derive', 'boundaries'], 'must rise')
  if (derive.function === 'hour' || derive.function === 'weekday') {
    if (typeof derive.time_zone === 'string') checkTimeZone(derive.time_zone, context)
    else checkTimeZoneLookup(timeZoneLookup(derive)!, definitions, context)
  }
}

function checkInputType(derive: DerivedFeature['derive'], input: ModelFeature, { report, definitions }: Context): void {
  if (input.source === 'online' && !hasViewFeature(input, definitions)) return
  const type = featureType(input, definitions)
  if (derive.function === 'one_hot') {
    if (!isOfType(derive.category, type)) report(['derive', 'category'], `must be a ${type}, as "${input.name}" is`)
  } else if (type !== 'number') report(['derive'], `${derive.function} needs numbers, and "${input.name}" is ${type}`)
}

function hasViewFeature(feature: OnlineFeature, { views }: Definitions): boolean {
  return views.get(feature.view)?.features.some(({ name }) => name === feature.feature) ?? false
}

function isCyclic(name: string, features: ReadonlyMap<string, ModelFeature>): boolean {
  const reached = new Set<string>()
  const pending = [name]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const feature = features.get(next)
    if (feature?.source !== 'derived') continue
    for (const input of derivedInputs(feature.derive)) {
      if (input === name) return true
      if (!reached.has(input)) pending.push(input)
      reached.add(input)
    }
  }
  return false
}

function checkTimeZone(timeZone: string, { report }: Context): void {
  if (!isTimeZone(timeZone)) report(['derive', 'time_zone'], `"${timeZone}" is no IANA time zone`)
}

function checkTimeZoneLookup(
  { lookup, entity }: { lookup: string; entity: string },
  { lookups, broken }: CheckedDefinitions,
  { model, report }: Context,
): void {
  const table = lookups.get(lookup)
  const role = ownEntry(model.entities, entity)
  if (table === undefined)
    reportUnknown(report, ['derive', 'time_zone', 'lookup'], lookup, { kind: 'lookups', known: lookups, broken: broken.lookups })
  if (role === undefined)
    report(['derive', 'time_zone', 'entity'], `the model has no role "${entity}"`, knownNames(entity, Object.keys(model.entities)))
  if (table === undefined || role === undefined) return
  if (role.entity !== table.entity)
    report(
      ['derive', 'time_zone', 'entity'],
      `role "${entity}" is of the entity "${role.entity}", but lookup "${lookup}" is by "${table.entity}"`,
    )
  const wrong = Object.entries(table.values).find(([, zone]) => !isTimeZone(zone))
  if (wrong)
    report(['derive', 'time_zone', 'lookup'], `lookup "${lookup}" gives ${wrong[0]} the time zone "${wrong[1]}", which is none of IANA's`)
}

const knownTimeZones = new Map<string, boolean>()

function isTimeZone(timeZone: string): boolean {
  const known = knownTimeZones.get(timeZone)
  if (known !== undefined) return known
  const valid = createsFormat(timeZone)
  knownTimeZones.set(timeZone, valid)
  return valid
}

function createsFormat(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
