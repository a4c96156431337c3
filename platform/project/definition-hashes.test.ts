import { expect, it } from 'vitest'
import { featureViewDefinition } from '../../contracts/feature-view.ts'
import { hashFeatures } from './definition-hashes.ts'
import { loadProject } from './load-project.ts'

const { models, sources, lookups, views } = await loadProject(new URL('../../models', import.meta.url).pathname)
const { features, featureHashes } = models.get('flight-delay')!
const { hop_seconds: _, ...arrivals } = views.get('airport_arrivals')!
const [count, mean] = arrivals.features

/** The hash of the count over 3 hours, of a view that is otherwise the same. */
function hashOf(view: object): string | undefined {
  const changed = featureViewDefinition.parse({ ...arrivals, ...view })
  return hashFeatures(features, { sources, lookups, views: new Map([...views, [changed.name, changed]]) }).get('origin_arrivals_count_3h')
}

const known = featureHashes.get('origin_arrivals_count_3h')

it('the hash holds the hop that applies, wherever it was stated', () => {
  expect(hashOf({ hop_seconds: 300 })).toBe(known)
  expect(hashOf({})).toBe(known)
  expect(hashOf({ features: [{ ...count, hop_seconds: 300 }, mean] })).toBe(known)
  expect(hashOf({ features: [{ ...count, hop_seconds: 300, allow_coarse: true }, mean], hop_seconds: 60 })).toBe(known)
})

it('another hop or width is another definition', () => {
  expect(hashOf({ hop_seconds: 60 })).not.toBe(known)
  expect(hashOf({ features: [{ ...count, hop_seconds: 60 }, mean] })).not.toBe(known)
  expect(hashOf({ features: [{ ...count, window_seconds: 7_200 }, mean] })).not.toBe(known)
})

it('a wide sibling changes nothing', () => {
  expect(hashOf({ features: [count, mean, { name: 'count_30d', aggregation: 'count', window_seconds: 30 * 86_400 }] })).toBe(known)
})
