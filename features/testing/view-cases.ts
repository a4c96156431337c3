import { compileView, type CompiledView } from '../engine/compile-view.ts'
import { eventSourceDefinition } from '../../contracts/event-source.ts'
import { aggregations, featureViewDefinition, type FeatureViewDefinition } from '../../contracts/feature-view.ts'

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

/** The views below as a project has them. */
export const testDefinitions: FeatureViewDefinition[] = []

/** Every aggregation over two widths, text and booleans, and the latest of all time. */
export const windowedView = compile('readings', 'sensor', 5 * minute, [
  ...aggregations.flatMap((aggregation) => [
    { name: `${aggregation}_level_20m`, aggregation, value: 'level', window_seconds: 20 * minute },
    { name: `${aggregation}_level_7m`, aggregation, value: 'level', window_seconds: 7 * minute },
  ]),
  { name: 'count_20m', aggregation: 'count', window_seconds: 20 * minute },
  { name: 'alarms_20m', aggregation: 'sum', value: 'alarm', window_seconds: 20 * minute },
  { name: 'last_mode_20m', aggregation: 'last', value: 'mode', window_seconds: 20 * minute },
  { name: 'first_mode_20m', aggregation: 'first', value: 'mode', window_seconds: 20 * minute },
  { name: 'last_level', aggregation: 'last', value: 'level' },
  { name: 'last_mode', aggregation: 'last', value: 'mode' },
])

/** Another key and hop, one window only: pages of many tiles. */
export const siteView = compile('site_readings', 'site', minute, [
  { name: 'count_30m', aggregation: 'count', window_seconds: 30 * minute },
  { name: 'std_30m', aggregation: 'std', value: 'level', window_seconds: 30 * minute },
  { name: 'last_30m', aggregation: 'last', value: 'level', window_seconds: 30 * minute },
])

export const latestView = compile('latest', 'sensor', undefined, [{ name: 'latest_mode', aggregation: 'last', value: 'mode' }])

export const testViews: readonly CompiledView[] = [windowedView, siteView, latestView]

function compile(name: string, key: string, hopSeconds: number | undefined, features: object[]): CompiledView {
  const fields = { name, description: name, owner: 'tests', source: 'reading', key, entity: key, hop_seconds: hopSeconds, features }
  const definition = featureViewDefinition.parse(fields)
  testDefinitions.push(definition)
  return compileView(definition, testSource)
}
