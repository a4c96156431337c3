import { ServiceError } from '../../contracts/errors.ts'
import { knownNames } from '../../platform/text/known-names.ts'
import type { ServingModel, ServingVersion } from '../predict/serving-model.ts'

/** The version whose tensors a request speaks of: the one that its path names, or the champion. Whoever answers is given them by feature. */
export function findAddressedVersion(model: ServingModel, version: string | undefined): ServingVersion {
  const { definition } = model
  const name = version ?? model.deployment.champion
  const serving = model.versions.get(name)
  if (serving !== undefined) return serving
  const shown = name.slice(0, 32)
  const reason = model.refused.get(name)
  if (version === undefined || reason !== undefined)
    throw new ServiceError('not_ready', `version ${shown} of ${definition.name} is not served: ${reason ?? 'it is not in the project'}`)
  throw new ServiceError('unknown_version', `${definition.name} has no version ${shown}`, {
    hint: knownNames(shown, model.versions.keys()),
  })
}
