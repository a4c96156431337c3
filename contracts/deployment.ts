import { z } from 'zod'
import { columnName, versionName } from './primitives.ts'

/** `<model>/deployment.yaml`: which versions answer and which only watch. */
export const deployment = z.strictObject({
  revision: z.int().nonnegative(),
  champion: versionName,
  challengers: z
    .array(z.strictObject({ version: versionName, weight: z.number().gt(0).lt(1) }))
    .default([])
    .describe('Versions that answer a share of requests, as 0.1; the champion answers the rest.'),
  shadows: z.array(versionName).default([]).describe('Versions that predict on every request, are logged, and answer nobody.'),
  sticky_key: columnName
    .optional()
    .describe('The role by whose entity requests go to the same version, while the weights stand; without it, by request id.'),
  author: z.string().default('project'),
  reason: z.string().default(''),
})
export type Deployment = z.infer<typeof deployment>
