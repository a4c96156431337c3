import type { ServedFeature } from '../../contracts/prediction-event.ts'
import { createAssembler } from '../../features/assembly/assembler.ts'
import { type CompiledView, compileView } from '../../features/engine/compile-view.ts'
import type { FeatureValue } from '../../features/engine/feature-value.ts'
import { readFeatures } from '../../features/engine/read-features.ts'
import { planRead } from '../../features/engine/store-keys.ts'
import type { StoreKey } from '../../platform/online-store/online-store.ts'
import type { Project, ProjectModel, ProjectVersion } from '../../platform/project/project.ts'
import type { Instance } from './instance.ts'

/** How one version's features come about. Both steps are pure. */
export type VersionFeatures = {
  /** What must be read from the online store for this instance; none when the version uses no online feature. */
  keysOf(instance: Instance): StoreKey[]
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
  const planOf = createReadPlanner(views)
  return (model, { manifest }) => {
    const names = new Set(manifest.inputs.flatMap(({ features }) => features))
    const assembler = createAssembler({ project, model, names })
    return {
      keysOf: (instance) => assembler.onlineReads(instance.anchor).flatMap(({ view, role }) => planOf(instance, view, role)?.keys ?? []),
      assemble: (instance, values) =>
        assembler.assemble({
          ...instance,
          online: values === undefined ? () => undefined : createOnlineReader(planOf, instance, values),
          storeUnavailable: values === undefined,
        }),
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

type ReadPlan = { view: CompiledView; keys: StoreKey[] }
type ReadPlanner = (instance: Instance, view: string, role: string) => ReadPlan | undefined

/** The keys of a view for the entity in a role, planned once per instance; undefined when nobody is in the role. */
function createReadPlanner(views: Views): ReadPlanner {
  const planned = new WeakMap<Instance, Map<string, ReadPlan | undefined>>()
  return (instance, name, role) => {
    const plans = memo(planned, instance, () => new Map<string, ReadPlan | undefined>())
    return memo(plans, `${name} ${role}`, () => {
      const view = views.get(name)
      const entity = Object.hasOwn(instance.entities, role) ? instance.entities[role] : undefined
      return view === undefined || entity === undefined
        ? undefined
        : { view, keys: planRead(view, instance.tenant, entity, instance.anchorTimeMs) }
    })
  }
}

/** Several features share a view and a role: each pair is computed once. */
function createOnlineReader(planOf: ReadPlanner, instance: Instance, values: StoredValues) {
  const computed = new Map<string, ReadonlyMap<string, FeatureValue> | undefined>()
  return (name: string, role: string): ReadonlyMap<string, FeatureValue> | undefined =>
    memo(computed, `${name} ${role}`, () => {
      const plan = planOf(instance, name, role)
      return plan === undefined ? undefined : readFeatures(plan.view, plan.keys.map(values), instance.anchorTimeMs)
    })
}

type Memory<Key, Value> = { has(key: Key): boolean; get(key: Key): Value | undefined; set(key: Key, value: Value): unknown }

function memo<Key, Value>(memory: Memory<Key, Value>, key: Key, compute: () => Value): Value {
  if (!memory.has(key)) memory.set(key, compute())
  return memory.get(key) as Value
}
