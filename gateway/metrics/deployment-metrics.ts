import type { Instruments } from '../../platform/service/instruments.ts'
import type { Deployer } from '../deploy/deployer.ts'
import { unservedOf } from '../deploy/versions-of.ts'

export type DeploymentSource = Pick<Deployer, 'models' | 'waiting'>

/** By which revision each model's requests go, what it names and is not there, and whether a later one cannot be gone by yet. */
export function observeDeployments({ observe }: Instruments, { models, waiting }: DeploymentSource): void {
  const labels = ['model']
  const each = (read: (model: string) => number) => () => [...models.keys()].map((model) => ({ labels: [model], value: read(model) }))
  observe(
    'gauge',
    { name: 'hindsight_deployment_revision', description: "The revision of the model's deployment that requests go by.", labels },
    each((model) => models.get(model)?.deployment.revision ?? 0),
  )
  observe(
    'gauge',
    { name: 'hindsight_deployment_unserved', description: 'Versions that the deployment names and that answer nothing.', labels },
    each((model) => unservedOf(models.get(model)!).length),
  )
  observe(
    'gauge',
    { name: 'hindsight_deployment_waiting', description: 'Whether a later revision is known that this gateway cannot go by yet.', labels },
    each((model) => (waiting(model) === undefined ? 0 : 1)),
  )
}
