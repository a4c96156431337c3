import { aggregations, needsValue, takes, type Aggregation } from '../../contracts/aggregations.ts'
import { compileView, type CompiledView } from '../engine/compile-view.ts'
import { eventSourceDefinition } from '../../contracts/event-source.ts'
import { featureViewDefinition, type FeatureViewDefinition } from '../../contracts/feature-view.ts'
import fc from 'fast-check'

export const testSource = eventSourceDefinition.parse({
  name: 'reading',
  description: 'Readings of a sensor.',
  owner: 'tests',
  keys: { sensor: { entity: 'sensor' }, site: { entity: 'site' } },
  values: {
    level: { type: 'number', required: false },
    alarm: { type: 'boolean', required: false },
    mode: { type: 'text', required: false },
  },
})

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/** The views below as a project has them. */
export const testDefinitions: FeatureViewDefinition[] = []

/** Every aggregation over two widths, text and booleans, and the latest of all time. */
export const windowedView = compile('readings', 'sensor', 5 * minute, [
  ...aggregations.flatMap((aggregation) => [
    { name: `${aggregation}_level_20m`, aggregation, value: 'level', window_seconds: 20 * minute, allow_coarse: true },
    { name: `${aggregation}_level_7m`, aggregation, value: 'level', window_seconds: 7 * minute, allow_coarse: true },
  ]),
  { name: 'count_20m', aggregation: 'count', window_seconds: 20 * minute, allow_coarse: true },
  { name: 'alarms_20m', aggregation: 'sum', value: 'alarm', window_seconds: 20 * minute, allow_coarse: true },
  { name: 'last_mode_20m', aggregation: 'last', value: 'mode', window_seconds: 20 * minute, allow_coarse: true },
  { name: 'first_mode_20m', aggregation: 'first', value: 'mode', window_seconds: 20 * minute, allow_coarse: true },
  { name: 'last_level', aggregation: 'last', value: 'level' },
  { name: 'last_mode', aggregation: 'last', value: 'mode' },
])

/** A view with another key and hop and a single window, whose pages have many tiles. */
export const siteView = compile('site_readings', 'site', minute, [
  { name: 'count_30m', aggregation: 'count', window_seconds: 30 * minute },
  { name: 'std_30m', aggregation: 'std', value: 'level', window_seconds: 30 * minute },
  { name: 'last_30m', aggregation: 'last', value: 'level', window_seconds: 30 * minute },
])

export const latestView = compile('latest', 'sensor', undefined, [{ name: 'latest_mode', aggregation: 'last', value: 'mode' }])

/** Hops of a second to a day beside each other: the default of each width, stated ones, one width by two hops, and no window. */
export const mixedView = compile('mixed', 'sensor', undefined, [
  { name: 'count_1m', aggregation: 'count', window_seconds: minute },
  { name: 'mean_level_9m', aggregation: 'mean', value: 'level', window_seconds: 9 * minute },
  { name: 'last_mode_20m', aggregation: 'last', value: 'mode', window_seconds: 20 * minute },
  {
    name: 'sum_level_20m_by_7m',
    aggregation: 'sum',
    value: 'level',
    window_seconds: 20 * minute,
    hop_seconds: 7 * minute,
    allow_coarse: true,
  },
  { name: 'count_1h', aggregation: 'count', window_seconds: hour },
  { name: 'alarms_1h', aggregation: 'sum', value: 'alarm', window_seconds: hour },
  { name: 'first_mode_1h_by_2h', aggregation: 'first', value: 'mode', window_seconds: hour, hop_seconds: 2 * hour, allow_coarse: true },
  { name: 'std_level_13h', aggregation: 'std', value: 'level', window_seconds: 13 * hour },
  { name: 'count_5d', aggregation: 'count', value: 'alarm', window_seconds: 5 * day },
  { name: 'mean_level_30d', aggregation: 'mean', value: 'level', window_seconds: 30 * day },
  { name: 'max_level_366d', aggregation: 'max', value: 'level', window_seconds: 366 * day },
  { name: 'last_level', aggregation: 'last', value: 'level' },
])

export const testViews: readonly CompiledView[] = [windowedView, siteView, latestView]

/** The values of the source that the aggregation may take, with undefined where it needs none. */
function valuesOf(aggregation: Aggregation): (string | undefined)[] {
  const values = Object.entries(testSource.values).filter(([, { type }]) => takes(aggregation, type))
  return [...(needsValue(aggregation) ? [] : [undefined]), ...values.map(([name]) => name)]
}

const feature = fc.constantFrom(...aggregations).chain((aggregation) =>
  fc.record({
    aggregation: fc.constant(aggregation),
    value: fc.constantFrom(...valuesOf(aggregation)),
    window_seconds: fc.oneof(
      fc.constantFrom(1, minute, 5 * minute, 10 * minute, 20 * minute, hour, 12 * hour, 13 * hour, 12 * day, 30 * day),
      fc.integer({ min: 1, max: 2 * hour }),
    ),
    hop_seconds: fc.option(fc.oneof(fc.constantFrom(1, 45, minute, 5 * minute, 7 * minute, hour, day), fc.integer({ min: 1, max: hour })), {
      nil: undefined,
    }),
  }),
)

const drawnView = fc
  .record({
    key: fc.constantFrom('sensor', 'site'),
    hop: fc.option(fc.constantFrom(20, 5 * minute), { nil: undefined }),
    features: fc.array(feature, { minLength: 1, maxLength: 6 }),
    latest: fc.boolean(),
  })
  .map(({ key, hop, features, latest }) => {
    const windowed = features.map((drawn, index) => ({
      name: `f${index}`,
      ...drawn,
      hop_seconds: notTooFine(drawn, hop),
      allow_coarse: true,
    }))
    return compileView(
      define('drawn', key, hop, latest ? [...windowed, { name: 'latest', aggregation: 'last', value: 'mode' }] : windowed),
      testSource,
    )
  })

/** The hop, made coarser where a read would take very many tiles: it would be slow and show no more. */
function notTooFine(
  { window_seconds: width, hop_seconds: hop }: { window_seconds: number; hop_seconds: number | undefined },
  ofView: number | undefined,
) {
  const fewest = Math.ceil(width / 500)
  if (hop === undefined) return ofView === undefined || ofView >= fewest ? undefined : fewest
  return Math.max(hop, fewest)
}

/** A view of some features, each with a window and a hop of its own. */
export const viewCase: fc.Arbitrary<CompiledView> = fc.oneof(
  { weight: 5, arbitrary: drawnView },
  { weight: 1, arbitrary: fc.constant(mixedView) },
)

function compile(name: string, key: string, hopSeconds: number | undefined, features: object[]): CompiledView {
  const definition = define(name, key, hopSeconds, features)
  testDefinitions.push(definition)
  return compileView(definition, testSource)
}

function define(name: string, key: string, hopSeconds: number | undefined, features: object[]): FeatureViewDefinition {
  const fields = { name, description: name, owner: 'tests', source: 'reading', key, entity: key, hop_seconds: hopSeconds, features }
  return featureViewDefinition.parse(fields)
}
