import { compileView } from '../../features/engine/compile-view.ts'
import { readyKey } from '../../features/engine/store-keys.ts'
import { partitionCount, type OnlineStore } from '../../platform/online-store/online-store.ts'
import type { Project } from '../../platform/project/project.ts'
import { within } from '../../platform/service/within.ts'

export type ViewsNotFilledDeps = {
  store: Pick<OnlineStore, 'read'>
  project: Pick<Project, 'views' | 'sources'>
  /** Milliseconds that only rise. */
  tick(): number
}

/** How long an answer of the store holds: probes come often, and from anybody. */
const keptMs = 1_000
/** A store that hangs must not hold up a probe. */
const readWithinMs = 500

/**
 * The feature views, by name, that the online store does not hold whole: after a change of their definition, or of the
 * store, until they are loaded. Their features are missing meanwhile, `not_ready`. Undefined when the store does not answer.
 */
export function createViewsNotFilled({ store, project, tick }: ViewsNotFilledDeps): () => Promise<string[] | undefined> {
  const keys = [...project.views.values()].flatMap((view) => {
    const source = project.sources.get(view.source)
    const grids = source === undefined ? [] : compileView(view, source).grids
    return grids.flatMap((grid) =>
      Array.from({ length: partitionCount }, (_, partition) => ({ view: view.name, partition, key: readyKey(grid) })),
    )
  })
  let kept: { untilTick: number; views: Promise<string[] | undefined> } | undefined

  async function read(): Promise<string[] | undefined> {
    // The adapter has told its `onFault` of a failure; here only whether it answered counts.
    const snapshot = await within(readWithinMs, store.read(keys).catch(nothing), nothing)
    return snapshot && [...new Set(keys.filter((_, index) => snapshot.values[index] === undefined).map(({ view }) => view))]
  }

  return () => {
    if (keys.length === 0) return Promise.resolve([])
    if (kept === undefined || tick() >= kept.untilTick) kept = { untilTick: tick() + keptMs, views: read() }
    return kept.views
  }
}

const nothing = () => undefined
