import type { Deployment } from '../../contracts/deployment.ts'
import { conflict } from '../deploy/deployment-store-file.ts'
import type { DeploymentStore } from '../deploy/deployment-store.ts'

/** Deployments in memory, for tests. */
export function createMemoryDeployments(): DeploymentStore {
  const revisions = new Map<string, Deployment[]>()
  const listeners: ((model: string, deployment: Deployment) => void)[] = []
  const revisionsOf = (model: string) => revisions.get(model) ?? []
  return {
    latest: (model) => revisionsOf(model)[0],
    history: async (model) => revisionsOf(model),
    async put(model, deployment) {
      if ((revisionsOf(model)[0]?.revision ?? -1) >= deployment.revision) throw conflict(model, deployment)
      revisions.set(model, [deployment, ...revisionsOf(model)])
      for (const listener of listeners) listener(model, deployment)
    },
    watch: (listener) => void listeners.push(listener),
    close: async () => {},
  }
}
