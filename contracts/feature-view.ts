import { z } from 'zod'
import { aggregations, needsValue, needsWindow } from './aggregations.ts'
import { hopFaults } from './feature-window.ts'
import { columnName } from './primitives.ts'

const daySeconds = 24 * 60 * 60

export const viewFeature = z.strictObject({
  name: columnName,
  aggregation: z.enum(aggregations),
  value: columnName.optional().describe('The source value aggregated; left out for count.'),
  window_seconds: z
    .int()
    .positive()
    .max(366 * daySeconds)
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
      if (needsValue(feature.aggregation) && feature.value === undefined)
        context.addIssue({ code: 'custom', path: ['features', index, 'value'], message: `${feature.aggregation} needs a value` })
      if (needsWindow(feature.aggregation) && feature.window_seconds === undefined)
        context.addIssue({ code: 'custom', path: ['features', index, 'window_seconds'], message: `${feature.aggregation} needs a window` })
      for (const fault of hopFaults(view, feature))
        context.addIssue({ code: 'custom', path: ['features', index, fault.field], message: fault.message })
    }
    const names = new Set(view.features.map((feature) => feature.name))
    if (names.size < view.features.length) context.addIssue({ code: 'custom', path: ['features'], message: 'feature names must differ' })
  })
export type FeatureViewDefinition = z.infer<typeof featureViewDefinition>
