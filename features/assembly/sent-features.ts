import { ServiceError } from '../../contracts/errors.ts'
import type { RequestFeature } from '../../contracts/model-definition.ts'
import type { Scalar } from '../../contracts/primitives.ts'
import { isOfType } from '../../platform/project/feature-types.ts'
import { knownNames } from '../../platform/text/known-names.ts'
import type { ProjectModel } from '../../platform/project/project.ts'
import type { AssemblyRequest } from './assembly-request.ts'
import { ownEntry } from '../../platform/project/own-entry.ts'

/** Checks that everything the request sent is a request feature that the anchor allows, of its type and within its range. */
export function checkSentFeatures(
  request: Pick<AssemblyRequest, 'anchor' | 'features' | 'entities'>,
  model: Pick<ProjectModel, 'features'>,
  allowed: ReadonlySet<string>,
): void {
  for (const [name, value] of Object.entries(request.features)) {
    const feature = model.features.get(name)
    if (feature?.source !== 'request' || !allowed.has(name)) throw unknownFeature({ name, anchor: request.anchor, model, allowed })
    checkValue(feature, value)
    checkEntity(feature, value, request.entities)
  }
}

function checkValue({ name, type, min = -Infinity, max = Infinity }: RequestFeature, value: Scalar): void {
  const path = `features.${name}`
  if (!isOfType(value, type)) throw new ServiceError('invalid_request', `must be ${type === 'text' ? 'text' : `a ${type}`}`, { path })
  if (typeof value !== 'number') return
  if (!Number.isFinite(value)) throw new ServiceError('not_finite', 'must be a finite number', { path })
  if (value < min) throw new ServiceError('out_of_range', `must be at least ${min}`, { path })
  if (value > max) throw new ServiceError('out_of_range', `must be at most ${max}`, { path })
}

function checkEntity({ name, from_entity: role }: RequestFeature, value: Scalar, entities: Readonly<Record<string, string>>): void {
  const id = role === undefined ? undefined : ownEntry(entities, role)
  if (id !== undefined && id !== value)
    throw new ServiceError('invalid_request', `is the id of the role ${role}, and differs from entities.${role}`, {
      path: `features.${name}`,
    })
}

type UnknownFeature = { name: string; anchor: string; model: Pick<ProjectModel, 'features'>; allowed: ReadonlySet<string> }

function unknownFeature({ name, anchor, model, allowed }: UnknownFeature): ServiceError {
  const path = `features.${name}`
  const feature = model.features.get(name)
  if (feature !== undefined && feature.source !== 'request')
    return new ServiceError('unknown_feature', `is ${feature.source}: it is computed here, and not taken from a request`, { path })
  if (feature !== undefined) return new ServiceError('unknown_feature', `is not allowed at the anchor ${anchor}`, { path })
  const known = [...model.features.values()].filter((candidate) => candidate.source === 'request' && allowed.has(candidate.name))
  const hint = knownNames(
    name,
    known.map((candidate) => candidate.name),
  )
  return new ServiceError('unknown_feature', 'the model has no such feature', { path, hint })
}
