import type { Deployment } from '../../contracts/deployment.ts'

/**
 * Deployments that replace those of the project's files, shared by every gateway on the store. A revision is written once
 * and never changed.
 */
export type DeploymentStore = {
  /** The latest of a model, as far as it has been seen here. */
  latest(model: string): Deployment | undefined
  /** Every revision that is kept, the latest first. */
  history(model: string): Promise<Deployment[]>
  /**
   * Resolves when it is durable. Rejects with `deployment_conflict` when the model has that revision or a later one, and
   * with `event_log_unavailable` when the store does not answer.
   */
  put(model: string, deployment: Deployment): Promise<void>
  /** Calls back with each later revision, whoever put it. */
  watch(listener: (model: string, deployment: Deployment) => void): void
  close(): Promise<void>
}
