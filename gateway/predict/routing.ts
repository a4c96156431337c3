import { ServiceError } from '../../contracts/errors.ts'
import type { PredictionEvent } from '../../contracts/prediction-event.ts'
import { knownNames } from '../../platform/project/problems.ts'
import type { ServingModel, ServingVersion } from './serving-model.ts'

export type Routed = { serving: ServingVersion; route: PredictionEvent['route']; probability: number }

/** Who answers, and who only watches. A pinned version answers; the deployment's shadows run on every request. */
export function routeRequest(model: ServingModel, pinned: string | undefined): { answering: Routed; shadows: Routed[] } {
  const { champion, shadows } = model.project.deployment
  const answering: Routed = {
    serving: pinned === undefined ? championOf(model, champion) : pinnedOf(model, pinned),
    route: pinned === undefined ? 'champion' : 'pinned',
    probability: 1,
  }
  const watching = shadows.filter((version) => version !== answering.serving.version.version)
  return {
    answering,
    shadows: watching.flatMap((version) => {
      const serving = model.versions.get(version)
      return serving === undefined ? [] : [{ serving, route: 'shadow' as const, probability: 1 }]
    }),
  }
}

function championOf(model: ServingModel, champion: string): ServingVersion {
  const serving = model.versions.get(champion)
  if (serving !== undefined) return serving
  const reason = model.refused.get(champion) ?? 'it is not in the project'
  throw new ServiceError('not_ready', `the champion of ${model.project.definition.name}, version ${champion}, is not served: ${reason}`)
}

function pinnedOf(model: ServingModel, version: string): ServingVersion {
  const serving = model.versions.get(version)
  if (serving !== undefined) return serving
  const refused = model.refused.get(version)
  const message = refused === undefined ? `has no version ${version}` : `does not serve version ${version}: ${refused}`
  throw new ServiceError('unknown_version', `${model.project.definition.name} ${message}`, {
    path: 'options.version',
    hint: knownNames(version, model.versions.keys()),
  })
}
