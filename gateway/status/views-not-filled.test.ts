import { expect, it } from 'vitest'
import { featureViewDefinition } from '../../contracts/feature-view.ts'
import { compileView } from '../../features/engine/compile-view.ts'
import { readyKey } from '../../features/engine/store-keys.ts'
import { loadProject } from '../../platform/project/load-project.ts'
import { createFailingOnlineStore } from '../testing/failing-online-store.ts'
import { createViewsNotFilled } from './views-not-filled.ts'

const { views, sources } = await loadProject(new URL('../../models', import.meta.url).pathname)
const { hop_seconds: _, ...arrivals } = views.get('airport_arrivals')!
const departures = views.get('airport_departures')!
/** The view with features of two hops, and so two grids. */
const changed = featureViewDefinition.parse({
  ...arrivals,
  features: [...arrivals.features, { name: 'count_30d', aggregation: 'count', window_seconds: 30 * 86_400 }],
})

function create() {
  const memory = createFailingOnlineStore()
  const project = { sources, views: new Map([changed, departures].map((view) => [view.name, view])) }
  const clock = { tick: 0 }
  const viewsNotFilled = createViewsNotFilled({ store: memory.store, project, tick: () => clock.tick })
  const fill = (view: typeof changed, grid: number) => memory.put(readyKey(compileView(view, sources.get(view.source)!).grids[grid]!), '1')
  return { memory, clock, viewsNotFilled, fill }
}

it('a view is filled when all that its hops are read from is', async () => {
  const { clock, viewsNotFilled, fill } = create()
  expect(await viewsNotFilled()).toEqual(['airport_arrivals', 'airport_departures'])
  fill(departures, 0)
  fill(changed, 0)
  clock.tick += 1_000
  expect(await viewsNotFilled()).toEqual(['airport_arrivals'])
  fill(changed, 1)
  clock.tick += 1_000
  expect(await viewsNotFilled()).toEqual([])
})

it('is read once a second, however often it is asked', async () => {
  const { memory, clock, viewsNotFilled } = create()
  await Promise.all([viewsNotFilled(), viewsNotFilled()])
  clock.tick += 999
  await viewsNotFilled()
  expect(memory.reads).toHaveLength(1)
})

it.each(['break', 'hang'] as const)('is not known when the store does not answer: %s', async (how) => {
  const { memory, viewsNotFilled } = create()
  memory[how]()
  expect(await viewsNotFilled()).toBeUndefined()
})
