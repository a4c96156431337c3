import { z } from 'zod'
import { columnName, timestamp, versionName } from './primitives.ts'

const routing = {
  champion: versionName,
  challengers: z
    .array(z.strictObject({ version: versionName, weight: z.number().gt(0).lt(1) }))
    .default([])
    .describe('Versions that answer a share of requests, as 0.1; the champion answers the rest.'),
  shadows: z.array(versionName).default([]).describe('Versions that predict on every request, are logged, and answer nobody.'),
  sticky_key: columnName
    .optional()
    .describe('The role by whose entity requests go to the same version, while the weights stand; without it, by request id.'),
  loaded: z
    .enum(['all', 'deployed'])
    .default('all')
    .describe('Versions held in memory: all of the project, so that any can be pinned, or those of the deployment only.'),
}

/** `<model>/deployment.yaml`, and what replaces it: which versions answer and which only watch. The highest revision stands. */
export const deployment = z.strictObject({
  revision: z.int().nonnegative(),
  ...routing,
  author: z.string().default('project'),
  reason: z.string().default(''),
  changed_at: timestamp.optional().describe('Written with each change through the API.'),
})
export type Deployment = z.infer<typeof deployment>

/** The body of `PUT /v1/models/:model/deployment`: the whole of what is to stand. */
export const deploymentChange = z.strictObject({
  ...routing,
  reason: z.string().trim().min(1).max(1000),
  based_on: z.int().nonnegative().optional().describe('The revision that the change was made from; another one that stands is a conflict.'),
})
export type DeploymentChange = z.infer<typeof deploymentChange>

/** The answer to `GET /v1/models/:model/deployment`. */
export const deploymentState = z.object({
  model: z.string(),
  deployment: deployment.describe('What this gateway goes by.'),
  unserved: z
    .array(z.object({ version: z.string(), reason: z.string() }))
    .default([])
    .describe('Versions that it names and that answer nothing, and why.'),
  waiting: z
    .object({ deployment, reason: z.string() })
    .optional()
    .describe('A later revision that this gateway cannot go by yet, and why.'),
  history: z.array(deployment).describe('Every revision that is kept, the latest first.'),
})
export type DeploymentState = z.infer<typeof deploymentState>
