import { z } from 'zod'
import { columnName } from './primitives.ts'

export const aggregations = ['count', 'sum', 'mean', 'min', 'max', 'std', 'last', 'first'] as const
export type Aggregation = (typeof aggregations)[number]

const minute = 60
const hour = 60 * minute
const day = 24 * hour

/**
 * The hop of a window by its width, in seconds: 5 min up to 12 h, 1 h up to 12 days, else 1 day. Under 50 min, where
 * 5 min would be over a tenth of the window, 1 min, and in turn 10 s under 10 min and 1 s under 100 s.
 */
export function defaultHopSeconds(windowSeconds: number): number {
  if (windowSeconds < 100) return 1
  if (windowSeconds < 10 * minute) return 10
  if (windowSeconds < 50 * minute) return minute
  if (windowSeconds <= 12 * hour) return 5 * minute
  return windowSeconds <= 12 * day ? hour : day
}

export const viewFeature = z.strictObject({
  name: columnName,
  aggregation: z.enum(aggregations),
  value: columnName.optional().describe('The source value aggregated; left out for count.'),
  window_seconds: z
    .int()
    .positive()
    .max(366 * day)
    .optional()
    .describe('Width of the window; left out, with aggregation last, it is the latest value of all time.'),
  hop_seconds: z
    .int()
    .positive()
    .optional()
    .describe("The window starts on a multiple of it since the UTC epoch; by default the view's, else by the window's width."),
  allow_coarse: z
    .boolean()
    .optional()
    .describe('Takes a hop over a tenth of the window: the window may then be wider than it says by up to a hop.'),
  unit: z.string().optional(),
  description: z.string().optional(),
})
export type ViewFeature = z.infer<typeof viewFeature>

/** `features/*.yaml`: aggregates over one source's events by one entity. */
export const featureViewDefinition = z
  .strictObject({
    name: columnName,
    description: z.string(),
    owner: z.string(),
    source: columnName,
    key: columnName.describe("The source's key that names the entity."),
    entity: columnName,
    hop_seconds: z
      .int()
      .positive()
      .optional()
      .describe('The hop of features that state none; by default each has one by the width of its own window.'),
    max_age_seconds: z.int().positive().optional().describe('A value whose newest event is older than this, at the anchor, is stale.'),
    features: z.array(viewFeature).min(1),
  })
  .superRefine((view, context) => {
    for (const [index, feature] of view.features.entries()) {
      if (feature.aggregation !== 'count' && feature.value === undefined)
        context.addIssue({ code: 'custom', path: ['features', index, 'value'], message: `${feature.aggregation} needs a value` })
      if (feature.aggregation !== 'last' && feature.window_seconds === undefined)
        context.addIssue({ code: 'custom', path: ['features', index, 'window_seconds'], message: `${feature.aggregation} needs a window` })
      for (const fault of hopFaults(view, feature))
        context.addIssue({ code: 'custom', path: ['features', index, fault.field], message: fault.message })
    }
    const names = new Set(view.features.map((feature) => feature.name))
    if (names.size < view.features.length) context.addIssue({ code: 'custom', path: ['features'], message: 'feature names must differ' })
  })
export type FeatureViewDefinition = z.infer<typeof featureViewDefinition>

/** The width of a feature's window and its hop: the feature's own, else the view's, else the default. Undefined: all of time. */
export function windowOf(
  view: Pick<FeatureViewDefinition, 'hop_seconds'>,
  feature: Pick<ViewFeature, 'window_seconds' | 'hop_seconds'>,
): { widthSeconds: number; hopSeconds: number } | undefined {
  const { window_seconds: widthSeconds } = feature
  if (widthSeconds === undefined) return undefined
  return { widthSeconds, hopSeconds: feature.hop_seconds ?? view.hop_seconds ?? defaultHopSeconds(widthSeconds) }
}

/** What one read of a window may have to put together. */
const maxTiles = 10_000

type HopFault = { field: 'hop_seconds' | 'allow_coarse'; message: string }

function hopFaults(view: { hop_seconds?: number | undefined }, feature: ViewFeature): HopFault[] {
  const window = windowOf(view, feature)
  if (window === undefined)
    return (['hop_seconds', 'allow_coarse'] as const)
      .filter((field) => feature[field] !== undefined)
      .map((field) => ({ field, message: 'is about a window, and the feature has none' }))
  const { widthSeconds, hopSeconds } = window
  if (widthSeconds > maxTiles * hopSeconds)
    return [
      { field: 'hop_seconds', message: `a window of ${widthSeconds} s by hops of ${hopSeconds} s has over ${maxTiles} tiles to read` },
    ]
  if (feature.allow_coarse === true || 10 * hopSeconds <= widthSeconds) return []
  const from = feature.hop_seconds === undefined ? (view.hop_seconds === undefined ? 'the smallest default' : "the view's") : 'stated'
  const message = `the hop of ${hopSeconds} s (${from}) is over a tenth of the window of ${widthSeconds} s, which would hold up to ${widthSeconds + hopSeconds} s; state a smaller one, or allow_coarse: true`
  return [{ field: 'hop_seconds', message }]
}
