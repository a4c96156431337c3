import type { ServedFeature } from '../../contracts/prediction-event.ts'
import { createAssembler } from '../../features/assembly/assembler.ts'
import { type CompiledView, compileView } from '../../features/engine/compile-view.ts'
import type { FeatureValue } from '../../features/engine/feature-value.ts'
import { readFeatures } from '../../features/engine/read-features.ts'
import { createReadPlanner } from '../../features/engine/store-keys.ts'
import type { StoreKey } from '../../platform/online-store/online-store.ts'
import type { Project, ProjectModel, ProjectVersion } from '../../platform/project/project.ts'
import { type Instance } from './prediction.ts'

/** How one version's features come about. Both steps are pure. */
export type VersionFeatures = {
  /** What must be read from the online store for this instance; none when the version uses no online feature. */
  keysOf(instance: Instance): StoreKey[]
  /** Whether the instance has any such key. */
  needsStore(instance: Instance): boolean
  /**
   * Every feature of the version with its value and where it came from; without `values` the store did not answer.
   * Throws a `ServiceError` when the request or model.yaml's rules forbid an answer: with status 400 for what the
   * request alone decides, 503 for a store that is needed and does not answer, else 422.
   */
  assemble(instance: Instance, values: StoredValues | undefined): ServedFeature[]
}

export type StoredValues = (key: StoreKey) => Uint8Array | undefined

/** The window engine and the rules of model.yaml over the project's views, which are compiled once. */
export function createVersionFeatures(project: Project): (model: ProjectModel, version: ProjectVersion) => VersionFeatures {
  const views = compileViews(project)
  return (model, { manifest }) => {
    const names = new Set(manifest.inputs.flatMap(({ features }) => features))
    const assembler = createAssembler({ project, model, names })
    return {
      keysOf(instance) {
        const keys: StoreKey[] = []
        for (const { view, role } of assembler.onlineReads(instance.anchor)) {
          const plan = planOf(views, instance, view, role)
          if (plan !== undefined) keys.push(...plan.keys)
        }
        return keys
      },
      needsStore: (instance) =>
        assembler.onlineReads(instance.anchor).some(({ view, role }) => planOf(views, instance, view, role) !== undefined),
      assemble: (instance, values) =>
        assembler.assemble({
          anchor: instance.anchor,
          anchorTimeMs: instance.anchorTimeMs,
          entities: instance.entities,
          features: instance.features,
          online: values === undefined ? () => undefined : createOnlineReader(views, instance, values),
          storeUnavailable: values === undefined,
        }),
    }
  }
}

type View = { compiled: CompiledView; keysOf: ReturnType<typeof createReadPlanner> }
type Views = ReadonlyMap<string, View>

function compileViews(project: Project): Views {
  return new Map(
    [...project.views].flatMap(([name, view]) => {
      const source = project.sources.get(view.source)
      if (source === undefined) return []
      const compiled = compileView(view, source)
      return [[name, { compiled, keysOf: createReadPlanner(compiled) }] as const]
    }),
  )
}

type ReadPlan = { view: CompiledView; keys: readonly StoreKey[] }

/** The keys of a view for the entity in a role; undefined when nobody is in the role. */
function planOf(views: Views, instance: Instance, name: string, role: string): ReadPlan | undefined {
  const view = views.get(name)
  const entity = Object.hasOwn(instance.entities, role) ? instance.entities[role] : undefined
  if (view === undefined || entity === undefined) return undefined
  return { view: view.compiled, keys: view.keysOf(instance.tenant, entity, instance.anchorTimeMs) }
}

/** Several features share a view and a role: each pair is computed once. */
function createOnlineReader(views: Views, instance: Instance, values: StoredValues) {
  type Computed = { name: string; role: string; features: ReadonlyMap<string, FeatureValue> | undefined }
  const computed: Computed[] = []
  return (name: string, role: string): ReadonlyMap<string, FeatureValue> | undefined => {
    const known = computed.find((one) => one.name === name && one.role === role)
    if (known !== undefined) return known.features
    const plan = planOf(views, instance, name, role)
    const features = plan && readFeatures(plan.view, plan.keys.map(values), instance.anchorTimeMs)
    computed.push({ name, role, features })
    return features
  }
}
