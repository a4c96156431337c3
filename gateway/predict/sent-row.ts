import { ServiceError } from '../../contracts/errors.ts'
import type { ServedFeature } from '../../contracts/prediction-event.ts'
import type { ProjectModel, ProjectVersion } from '../../platform/project/project.ts'
import type { ServingVersion } from './serving-model.ts'
import type { VersionFeatures } from './version-features.ts'
import { type Instance, type SentRow } from './prediction.ts'

/** The features of a version, where an instance that has a sent row is served that instead of the online store and the rules of model.yaml. */
export function takeSentRows(features: VersionFeatures, model: ProjectModel, { manifest }: ProjectVersion): VersionFeatures {
  const names = [...new Set(manifest.inputs.flatMap((input) => input.features))]
  return {
    keysOf: (instance) => (instance.row === undefined ? features.keysOf(instance) : []),
    needsStore: (instance) => instance.row === undefined && features.needsStore(instance),
    assemble: (instance, values) =>
      instance.row === undefined ? features.assemble(instance, values) : serveRow(model, names, { ...instance, row: instance.row }),
  }
}

function serveRow(model: ProjectModel, names: readonly string[], instance: Instance & { row: SentRow }): ServedFeature[] {
  const allowed = model.definition.anchors?.[instance.anchor]?.features
  return names.map((name) => {
    const { values } = instance.row
    if (!values.has(name)) throw new ServiceError('missing_feature', `the tensors hold no ${name}`, { path: 'inputs' })
    const value = values.get(name)
    const definition = model.featureHashes.get(name) ?? ''
    if (value === undefined) return { definition, name, reason: 'nan', source: 'request', status: 'missing' }
    if (allowed?.includes(name) === false)
      throw new ServiceError('unknown_feature', `anchor ${instance.anchor} does not allow ${name}`, { path: 'inputs' })
    return { definition, name, source: 'request', status: 'ok', value }
  })
}

/** Whether a challenger finds its features in what was sent for the champion, and answers in tensors of the same kind. */
export function fitsSentRow(options: { challenger: ServingVersion; champion: ServingVersion; row: SentRow }): boolean {
  const { challenger, champion, row } = options
  const hasFeatures = challenger.manifest.inputs.every(({ features }) => features.every((name) => row.values.has(name)))
  return hasFeatures && champion.manifest.outputs.every(({ tensor }) => kindOf(challenger, tensor) === kindOf(champion, tensor))
}

/** The type and width of an output tensor; undefined for one that the version does not answer with. */
function kindOf({ manifest, tensors }: ServingVersion, name: string): string | undefined {
  if (!manifest.outputs.some(({ tensor }) => tensor === name)) return undefined
  const found = tensors.outputs.find((tensor) => tensor.name === name)
  return found && `${found.type} ${found.shape.slice(1).join('x')}`
}
