import fc from 'fast-check'
import { expect, it } from 'vitest'
import { loadProject } from '../../platform/project/load-project.ts'
import { compileView } from './compile-view.ts'
import { createReadPlanner, planRead } from './store-keys.ts'

const project = await loadProject(new URL('../../models', import.meta.url).pathname)
const view = project.views.get('airport_arrivals')!
const compiled = compileView(view, project.sources.get(view.source)!)

it('a planner remembers what planRead gives, whoever asked before', () => {
  const request = fc.record({
    tenant: fc.constantFrom('a', 'b'),
    entity: fc.constantFrom('SFO', 'JFK', '__proto__'),
    anchorMs: fc.integer({ min: 0, max: 40 * 3_600_000 }),
  })
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
      const plan = createReadPlanner(compiled)
      for (const { tenant, entity, anchorMs } of requests)
        expect(plan(tenant, entity, anchorMs)).toEqual(planRead(compiled, tenant, entity, anchorMs))
    }),
  )
})

it('gives the same keys, not equal ones, while the pages are the same', () => {
  const plan = createReadPlanner(compiled)
  expect(plan('a', 'SFO', 1_000_000_000_001)).toBe(plan('a', 'SFO', 1_000_000_000_000))
})
