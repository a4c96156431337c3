import fc from 'fast-check'
import { expect, test } from 'vitest'
import { differenceOf, fromEngine } from '../testing/compare-values.ts'
import { createEngineHarness } from '../testing/engine-harness.ts'
import { baseMs, factsOf, historyCase, type History } from '../testing/history-cases.ts'
import { naiveFeatures } from '../testing/naive-features.ts'
import { latestView, testViews, viewCase, windowedView } from '../testing/view-cases.ts'
import type { CompiledView } from './compile-view.ts'
import type { Fact } from './fact.ts'
import { defaultMaintenancePolicy, type MaintenancePolicy } from './maintain.ts'
import { casesOf } from '../../test/testing/full-run.ts'

const never: MaintenancePolicy = { ...defaultMaintenancePolicy, foldAfterMs: Infinity, expireGraceMs: Infinity }
const eager: MaintenancePolicy = { foldAfterMs: 10 * 60_000, foldMinRows: 1, maxRowsPerBlock: 8, expireGraceMs: 60 * 60_000 }

test('equals the naive loop and never refuses while nothing is folded or removed', async () => {
  await fc.assert(
    fc.asyncProperty(historyCase({ maintained: false }), async (history) => {
      const harness = await run(history, never)
      await compareAll(history, harness, false)
    }),
    { numRuns: casesOf({ few: 200, all: 2_000 }) },
  )
})

test('answers exactly or refuses, whatever was folded and removed, and rebuilt tiles answer again', async () => {
  await fc.assert(
    fc.asyncProperty(historyCase({ maintained: true }), async (history) => {
      const harness = await run(history, eager)
      await compareAll(history, harness, true)
      expect(await harness.rebuild()).toBe(true)
      await compareAll(history, harness, true)
    }),
    { numRuns: casesOf({ few: 200, all: 2_000 }) },
  )
})

test('holds for any mix of windows and hops in one view, folded and removed or not', async () => {
  const cases = fc
    .record({ view: viewCase, maintained: fc.boolean() })
    .chain(({ view, maintained }) =>
      fc.record({ view: fc.constant(view), maintained: fc.constant(maintained), history: historyCase({ maintained }) }),
    )
  await fc.assert(
    fc.asyncProperty(cases, async ({ view, maintained, history }) => {
      // A view with a value of all time keeps every id: what comes again under another payload is known as such.
      const harness = await run(history, maintained ? eager : never, [view, latestView])
      await compareAll(history, harness, maintained, [view])
      expect(await harness.rebuild()).toBe(true)
      await compareAll(history, harness, maintained, [view])
    }),
    { numRuns: casesOf({ few: 80, all: 800 }) },
  )
})

test('is the same after the whole log was replayed', async () => {
  await fc.assert(
    fc.asyncProperty(historyCase({ maintained: false }), async (history) => {
      const harness = await run(history, never)
      await harness.apply(factsOf(history), baseMs)
      await compareAll(history, harness, false)
    }),
    { numRuns: casesOf({ few: 30, all: 200 }) },
  )
})

type Harness = Awaited<ReturnType<typeof createEngineHarness>>

async function run(history: History, policy: MaintenancePolicy, views = testViews): Promise<Harness> {
  const harness = await createEngineHarness(views, policy)
  for (const step of history.steps) {
    if (step.kind === 'facts') await harness.apply(step.facts, step.facts[0]!.ingestedAtMs)
    else await harness.maintain(step.nowMs)
  }
  return harness
}

async function compareAll(history: History, harness: Harness, mayRefuse: boolean, views = testViews): Promise<void> {
  const records = factsOf(history)
  for (const { entityId, anchorMs } of history.anchors) {
    for (const view of views) {
      const id = entityId[view.key as keyof typeof entityId]
      const served = await harness.read(view, id, anchorMs)
      const expected = naiveFeatures({ view, records, entityId: id, anchorMs })
      const differences = [...expected].map(([name, value]) => {
        const found = fromEngine(served.get(name)!)
        if (found === 'refused') return mayRefuse ? undefined : `${name} was refused`
        return differenceOf({ name, found, expected: value, records })
      })
      expect(differences.filter(Boolean)).toEqual([])
    }
  }
}

test('expires by ingestion: a replay of the past is served until its grace has passed', async () => {
  const fact = (id: string, minute: number): Fact => ({
    tenant: 'default',
    source: 'reading',
    id,
    keys: { sensor: 's1', site: 'x' },
    values: { level: 3 },
    writerId: 'w',
    epoch: 1,
    seq: 1,
    eventTimeMs: baseMs + minute * 60_000,
    knownAtMs: baseMs + minute * 60_000,
    ingestedAtMs: Date.UTC(2026, 0, 1),
  })
  const harness = await createEngineHarness([windowedView], defaultMaintenancePolicy)
  const count = async (view: CompiledView, minute: number) => (await harness.read(view, 's1', baseMs + minute * 60_000)).get('count_20m')
  await harness.apply([fact('a', 0), fact('b', 1)], Date.UTC(2026, 0, 1))
  await harness.maintain(Date.UTC(2026, 0, 1, 12))
  expect(await count(windowedView, 3)).toMatchObject({ status: 'ok', value: 2 })
  await harness.maintain(Date.UTC(2026, 0, 3))
  expect(await count(windowedView, 3)).toEqual({ status: 'missing', reason: 'anchor_too_old' })
  expect(await count(windowedView, 30)).toEqual({ status: 'ok', value: 0 })
  expect((await harness.read(windowedView, 's1', baseMs + 30 * 60_000)).get('last_level')).toMatchObject({ status: 'ok', value: 3 })
})
