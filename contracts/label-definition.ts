import { z } from 'zod'
import { columnName } from './primitives.ts'

/** `labels/*.yaml`: what an outcome means, and how it finds its decisions. Shared by models. */
export const labelDefinition = z
  .strictObject({
    name: columnName,
    description: z.string(),
    owner: z.string(),
    type: z
      .enum(['binary', 'number', 'category'])
      .describe('binary: value_number 0 or 1; number: value_number; category: value_text, or a whole value_number for its digits.'),
    unit: z.string().optional(),
    min: z.number().optional(),
    max: z.number().optional(),
    categories: z
      .array(z.union([z.string().max(1024), z.int().transform(String)]))
      .optional()
      .describe('The values of a category label; whole numbers are texts of their digits.'),
    match: z
      .discriminatedUnion('kind', [
        z.strictObject({
          kind: z.literal('exact').describe('prediction_id, request_id, or entities with an equal anchor time.'),
        }),
        z.strictObject({
          kind: z.literal('window').describe("The entity's decisions with anchor time in [event_time - window, event_time)."),
          window_seconds: z.int().positive(),
        }),
      ])
      .default({ kind: 'exact' }),
    which: z
      .enum(['first', 'last', 'all'])
      .default('all')
      .describe('Which of several matching decisions, by anchor time, the label counts for.'),
    maturity_seconds: z.int().nonnegative().describe('A decision is mature when anchor_time + maturity <= as_of.'),
    silence: z.enum(['negative', 'unknown']).describe('What it means when a mature decision has no label.'),
  })
  .superRefine((label, context) => {
    if (label.type === 'category' && label.categories === undefined)
      context.addIssue({ code: 'custom', path: ['categories'], message: 'a category label lists its categories' })
    for (const [index, category] of (label.categories ?? []).entries())
      if (label.categories?.indexOf(category) !== index)
        context.addIssue({ code: 'custom', path: ['categories', index], message: `"${category}" is listed twice` })
    if (label.type !== 'binary' && label.silence === 'negative')
      context.addIssue({ code: 'custom', path: ['silence'], message: 'only a binary label can read silence as no' })
  })
export type LabelDefinition = z.infer<typeof labelDefinition>

/** The label definitions that a gateway judges labels by; categories are texts there. */
export const labelList = z.object({
  labels: z.array(z.object({ ...labelDefinition.shape, categories: z.array(z.string()).optional() })),
})
