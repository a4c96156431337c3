import type { Deployer } from '../deploy/deployer.ts'
import { unservedOf } from '../deploy/versions-of.ts'
import type { DeploymentState } from '../metrics/deployment-metrics.ts'

/** By which deployment each model's requests go now, and what of it is missing. */
export function deploymentStates({ models, waiting }: Pick<Deployer, 'models' | 'waiting'>): DeploymentState[] {
  return [...models].map(([model, serving]) => ({
    model,
    revision: serving.deployment.revision,
    unserved: unservedOf(serving).length,
    waiting: waiting(model) !== undefined,
  }))
}
