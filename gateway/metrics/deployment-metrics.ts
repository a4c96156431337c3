import type { Instruments } from '../../platform/service/instruments.ts'

/**
 * One model's deployment. `unserved` counts the versions that it names and this gateway does not serve; `waiting` says that a
 * later revision cannot be put into force yet.
 */
export type DeploymentState = { model: string; revision: number; unserved: number; waiting: boolean }

/** Shows which revision each model's requests go by, how many of its versions are missing, and whether a later one cannot take effect yet. */
export function observeDeployments({ observe }: Instruments, readStates: () => readonly DeploymentState[]): void {
  const gauge = (name: string, description: string, read: (state: DeploymentState) => number) =>
    observe('gauge', { name: `hindsight_deployment_${name}`, description, labels: ['model'] }, () =>
      readStates().map((state) => ({ labels: [state.model], value: read(state) })),
    )
  gauge('revision', "Revision of the model's deployment that is in force.", ({ revision }) => revision)
  gauge('unserved', "Versions that the model's deployment names and this gateway does not serve.", ({ unserved }) => unserved)
  gauge(
    'waiting',
    "1 when a later revision of the model's deployment is known that this gateway cannot put into force yet, else 0.",
    ({ waiting }) => Number(waiting),
  )
}
