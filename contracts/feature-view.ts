import { z } from 'zod'
import { columnName } from './primitives.ts'

export const aggregations = ['count', 'sum', 'mean', 'min', 'max', 'std', 'last', 'first'] as const
export type Aggregation = (typeof aggregations)[number]

const hour = 3600
const day = 24 * hour

/** The hop of a window by its width: 5 min up to 12 h, 1 h up to 12 days, else 1 day. In seconds. */
export function defaultHopSeconds(windowSeconds: number): number {
  if (windowSeconds <= 12 * hour) return 300
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
      .describe('Windows start on multiples of it since the UTC epoch; by default from the widest window.'),
    max_age_seconds: z.int().positive().optional().describe('A value whose newest event is older than this, at the anchor, is stale.'),
    features: z.array(viewFeature).min(1),
  })
  .superRefine((view, context) => {
    for (const [index, feature] of view.features.entries()) {
      if (feature.aggregation !== 'count' && feature.value === undefined)
        context.addIssue({ code: 'custom', path: ['features', index, 'value'], message: `${feature.aggregation} needs a value` })
      if (feature.aggregation !== 'last' && feature.window_seconds === undefined)
        context.addIssue({ code: 'custom', path: ['features', index, 'window_seconds'], message: `${feature.aggregation} needs a window` })
    }
    const names = new Set(view.features.map((feature) => feature.name))
    if (names.size < view.features.length) context.addIssue({ code: 'custom', path: ['features'], message: 'feature names must differ' })
  })
export type FeatureViewDefinition = z.infer<typeof featureViewDefinition>

/** The view's hop: its own, or the default for its widest window (300 s when it has no window). */
export function hopSecondsOf(view: FeatureViewDefinition): number {
  const widest = Math.max(0, ...view.features.map((feature) => feature.window_seconds ?? 0))
  return view.hop_seconds ?? defaultHopSeconds(widest)
}
