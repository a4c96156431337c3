import type { ServedFeature } from '../../contracts/prediction-event.ts'
import { createAssembler } from '../../features/assembly/assembler.ts'
import { type CompiledView, compileView } from '../../features/engine/compile-view.ts'
import type { FeatureValue } from '../../features/engine/feature-value.ts'
import { readFeatures } from '../../features/engine/read-features.ts'
import { planRead } from '../../features/engine/store-keys.ts'
import type { StoreKey } from '../../platform/online-store/online-store.ts'
import type { Project, ProjectModel, ProjectVersion } from '../../platform/project/project.ts'
import { tenant } from '../tenant.ts'
import type { Instance } from './instance.ts'

/** How one version's features come about. Both steps are pure. */
export type VersionFeatures = {
  /** What must be read from the online store for this instance; none when the version uses no online feature. */
  keysOf(instance: Instance): StoreKey[]
  /**
   * Every feature of the version with its value and where it came from. Throws a `ServiceError` when the request or
   * model.yaml's rules forbid an answer: with status 400 for what the request alone decides, else 422.
   */
  assemble(instance: Instance, values: StoredValues): ServedFeature[]
}

export type StoredValues = (key: StoreKey) => Uint8Array | undefined

/** The window engine and the rules of model.yaml over the project's views, which are compiled once. */
export function createVersionFeatures(project: Project): (model: ProjectModel, version: ProjectVersion) => VersionFeatures {
  const views = compileViews(project)
  return (model, { manifest }) => {
    const names = new Set(manifest.inputs.flatMap(({ features }) => features))
    const assembler = createAssembler({ project, model, names })
    return {
      keysOf: (instance) =>
        assembler.onlineReads(instance.anchor).flatMap(({ view, role }) => keysOfView(views, view, role, instance) ?? []),
      assemble: (instance, values) => assembler.assemble({ ...instance, online: createOnlineReader(views, instance, values) }),
    }
  }
}

type Views = ReadonlyMap<string, CompiledView>

function compileViews(project: Project): Views {
  return new Map(
    [...project.views].flatMap(([name, view]) => {
      const source = project.sources.get(view.source)
      return source === undefined ? [] : [[name, compileView(view, source)] as const]
    }),
  )
}

/** Undefined when the instance has nobody in the role: then there is nothing to look up. */
function keysOfView(views: Views, name: string, role: string, instance: Instance): StoreKey[] | undefined {
  const view = views.get(name)
  const entity = Object.hasOwn(instance.entities, role) ? instance.entities[role] : undefined
  return view === undefined || entity === undefined ? undefined : planRead(view, tenant, entity, instance.anchorTimeMs)
}

/** Several features share a view and a role: each pair is computed once. */
function createOnlineReader(views: Views, instance: Instance, values: StoredValues) {
  const computed = new Map<string, ReadonlyMap<string, FeatureValue> | undefined>()
  return function online(name: string, role: string): ReadonlyMap<string, FeatureValue> | undefined {
    const pair = `${name} ${role}`
    if (!computed.has(pair)) computed.set(pair, read(name, role))
    return computed.get(pair)
  }

  function read(name: string, role: string): ReadonlyMap<string, FeatureValue> | undefined {
    const view = views.get(name)
    const keys = keysOfView(views, name, role, instance)
    return view === undefined || keys === undefined ? undefined : readFeatures(view, keys.map(values), instance.anchorTimeMs)
  }
}
