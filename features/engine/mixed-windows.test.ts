import { expect, it } from 'vitest'
import { featureViewDefinition } from '../../contracts/feature-view.ts'
import { createEngineHarness } from '../testing/engine-harness.ts'
import { testSource } from '../testing/view-cases.ts'
import { compileView } from './compile-view.ts'
import type { Fact } from './fact.ts'
import { defaultMaintenancePolicy } from './maintain.ts'

const minuteMs = 60_000
const dayMs = 86_400_000
const anchorMs = Date.UTC(2026, 2, 10, 17, 43)

const payments = compileView(
  featureViewDefinition.parse({
    name: 'payments',
    description: 'payments',
    owner: 'tests',
    source: 'reading',
    key: 'sensor',
    entity: 'sensor',
    features: [
      { name: 'count_1h', aggregation: 'count', window_seconds: 3600 },
      { name: 'mean_30d', aggregation: 'mean', value: 'level', window_seconds: 30 * 86_400 },
    ],
  }),
  testSource,
)

it('counts an hour in the hour, whatever stands beside it', async () => {
  const harness = await createEngineHarness([payments], defaultMaintenancePolicy)
  const agesMs = [5, 30, 59, 66, 90, 600, 1000].map((minutes) => minutes * minuteMs).concat(29 * dayMs)
  await harness.apply(agesMs.map(toFact), anchorMs)
  const read = await harness.read(payments, 's1', anchorMs)
  expect(read.get('count_1h')).toMatchObject({ status: 'ok', value: 3 })
  expect(read.get('mean_30d')).toMatchObject({ status: 'ok', value: 10 })
})

function toFact(ageMs: number, index: number): Fact {
  const timeMs = anchorMs - ageMs
  return {
    tenant: 'default',
    source: 'reading',
    id: `e${index}`,
    keys: { sensor: 's1' },
    values: { level: 10 },
    eventTimeMs: timeMs,
    knownAtMs: timeMs,
    ingestedAtMs: timeMs,
    writerId: 'w',
    epoch: 1,
    seq: index + 1,
  }
}
