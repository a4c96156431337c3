import { expect, it } from 'vitest'
import type { ServedFeature } from '../../contracts/prediction-event.ts'
import { createMemoryInference } from '../testing/memory-inference.ts'
import { createDeadline } from './deadline.ts'
import { runVersion, type SeenFeatures } from './run-version.ts'
import type { ServingVersion } from './serving-model.ts'
import { type Instance } from './prediction.ts'

const served: ServedFeature = { name: 'visits', source: 'online', status: 'missing', reason: 'any', definition: 'e'.repeat(64) }

/** Its one input is of whole numbers, which have no value for missing. */
const serving = {
  manifest: { inputs: [{ name: 'x', type: 'int64', shape: [-1, 1], features: ['visits'] }] },
  features: { keysOf: () => [], assemble: () => [served] },
} as unknown as ServingVersion
const instance = { index: 0, entities: {}, features: {} } as unknown as Instance

it.each<[string, Partial<SeenFeatures>, string]>([
  ['that is not there', { values: () => undefined }, 'feature_unavailable'],
  ['of a store that does not answer', { values: undefined }, 'online_store_unavailable'],
])('a value %s, where the model takes no missing one, is that error', async (_, { values }, code) => {
  const deps = { inference: createMemoryInference().inference, tick: () => performance.now() }
  const deadline = createDeadline({ now: Date.now, atMs: Date.now() + 5_000 })
  const seen: SeenFeatures = { values, asOf: [], readAtMs: undefined }
  const { results } = await runVersion(deps, { serving, instances: [instance], seen, deadline, startedTick: 0 })
  deadline.clear()
  expect(results).toMatchObject([{ error: { code } }])
})
