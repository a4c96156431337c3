import { expect, it } from 'vitest'
import type { ServedFeature } from '../../contracts/prediction-event.ts'
import { assemble } from './assemble.ts'
import type { Instance, SeenFeatures } from './prediction.ts'
import type { ServingVersion } from './serving-model.ts'

const served: ServedFeature = { name: 'visits', source: 'online', status: 'missing', reason: 'any', definition: 'e'.repeat(64) }

/** A version whose one input is of whole numbers, which have no value for missing. */
const serving = {
  manifest: { inputs: [{ name: 'x', type: 'int64', shape: [-1, 1], features: ['visits'] }] },
  features: { keysOf: () => [], assemble: () => [served] },
} as unknown as ServingVersion
const instance = { index: 0, entities: {}, features: {} } as unknown as Instance

it.each<[string, SeenFeatures['values'], string]>([
  ['that is not there', () => undefined, 'feature_unavailable'],
  ['of a store that does not answer', undefined, 'online_store_unavailable'],
])('a value %s, where the model takes no missing one, is that error', (_, values, code) => {
  expect(assemble(serving, instance, { values, asOf: [], readAtMs: undefined })).toMatchObject({ error: { code } })
})
