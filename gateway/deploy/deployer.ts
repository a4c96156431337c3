import { deploymentChange, type Deployment, type DeploymentChange, type DeploymentState } from '../../contracts/deployment.ts'
import { ServiceError } from '../../contracts/errors.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import { checkDeployment } from '../../platform/project/check-model.ts'
import { createProblemList, toProblem } from '../../platform/project/problems.ts'
import type { Project, ProjectModel } from '../../platform/project/project.ts'
import { validate } from '../http/validate.ts'
import type { ServingModel, ServingModels } from '../predict/serving-model.ts'
import type { WarmUpDeps } from '../predict/warm-up.ts'
import { findModel } from '../routes/predict.ts'
import type { DeploymentStore } from './deployment-store.ts'
import { later, type ModelServer, startModelServer } from './model-server.ts'

export type DeployerDeps = WarmUpDeps & { deployments: DeploymentStore }

/** Every model of the project, as requests find it, and what changes that. */
export type Deployer = {
  models: ServingModels
  state(model: string): Promise<DeploymentState>
  /** Puts a model under another deployment: what it names is warm before anything changes. Takes an unchecked body. */
  change(model: string, body: unknown, author: string): Promise<DeploymentState>
}

/** Warms up what the latest deployments want, then follows the store. */
export async function startDeployer(deps: DeployerDeps, project: Pick<Project, 'models'>): Promise<Deployer> {
  const { deployments } = deps
  const models = new Map<string, ServingModel>()
  const servers = new Map<string, ModelServer>()
  for (const [name, model] of project.models) {
    const deployment = later(deployments.latest(name), model.deployment)
    const publish = (serving: ServingModel) => void models.set(name, serving)
    servers.set(name, await startModelServer(deps, { project: model, deployment, publish }))
  }
  deployments.watch((name, deployment) => void servers.get(name)?.follow(deployment))

  function serverOf(name: string): ModelServer {
    const { definition } = findModel(models, name).project
    return servers.get(definition.name)!
  }

  async function state(name: string): Promise<DeploymentState> {
    const { current, waiting } = serverOf(name)
    const history = await deployments.history(name)
    return { model: name, deployment: current.deployment, ...(waiting !== undefined && { waiting }), history }
  }

  async function change(name: string, body: unknown, author: string): Promise<DeploymentState> {
    const server = serverOf(name)
    const wanted = validate(deploymentChange, body)
    await server.change(
      ({ project, deployment: now }) => {
        const next = toNext({ wanted, author, before: later(deployments.latest(name), now), at: deps.now() })
        refuseContradictions(next, project)
        return next
      },
      async (next) => {
        // A file's deployment is kept when it is replaced, so that there is something to go back to.
        const { deployment } = server.current
        if ((deployments.latest(name)?.revision ?? -1) < deployment.revision) await deployments.put(name, deployment)
        await deployments.put(name, next)
      },
    )
    return state(name)
  }

  return { models, state, change }
}

type Next = { wanted: DeploymentChange; author: string; before: Deployment; at: number }

function toNext({ wanted, author, before, at }: Next): Deployment {
  const { based_on: basedOn, ...rest } = wanted
  if (basedOn !== undefined && basedOn !== before.revision)
    throw new ServiceError('deployment_conflict', `revision ${before.revision} stands, not ${basedOn}`, { path: 'based_on' })
  return { ...rest, revision: before.revision + 1, author, changed_at: toTimestamp(at) }
}

function refuseContradictions(deployment: Deployment, { definition, versions, refused }: ProjectModel): void {
  const list = createProblemList()
  const report = (path: readonly (string | number)[], message: string, hint?: string) =>
    list.add(toProblem({ file: 'deployment', path, message, hints: [hint] }))
  const warn: typeof report = (path, message) => toProblem({ file: 'deployment', path, message })
  const known = new Set([...versions.keys(), ...refused.keys()])
  checkDeployment({ deployment, model: definition, versions: known, reports: { report, warn } })
  const [first] = list.problems
  if (first === undefined) return
  const { path, hint, message } = first
  throw new ServiceError('invalid_request', message, { ...(path !== undefined && { path }), ...(hint !== undefined && { hint }) })
}
