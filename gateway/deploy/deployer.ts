import { deploymentChange, type DeploymentState } from '../../contracts/deployment.ts'
import { canonicalHash } from '../../contracts/canonical-json.ts'
import type { Project, ProjectModel } from '../../platform/project/project.ts'
import { validate } from '../http/validate.ts'
import { findModel, type ServingModel, type ServingModels } from '../predict/serving-model.ts'
import type { WarmUpDeps } from '../predict/warm-up.ts'
import type { DeploymentStore } from './deployment-store.ts'
import { refuseContradictions, toNext } from './next-deployment.ts'
import { later, type ModelServer, startModelServer } from './model-server.ts'
import { pathsTo, unservedOf } from './versions-of.ts'

export type DeployerDeps = WarmUpDeps & {
  deployments: DeploymentStore
  /** The project folder as it is now. */
  readProject: () => Promise<Pick<Project, 'models'>>
}

/** Every model of the project, as requests find it, and what changes that. */
export type Deployer = {
  models: ServingModels
  state(model: string): Promise<DeploymentState>
  /** The deployment that is later than the one in force and cannot take effect yet, and why. */
  waiting(model: string): ModelServer['waiting']
  /** Puts a model under another deployment: what it names is warm before anything changes. Takes an unchecked body. */
  change(model: string, body: unknown, author: string): Promise<DeploymentState>
  /** Takes new versions, and a deployment.yaml of a higher revision; forgets versions that went and nobody names. */
  takeProject(project: Pick<Project, 'models'>): Promise<void>
}

/** Warms up what the latest deployments want, then follows the store. */
export async function startDeployer(deps: DeployerDeps, project: Pick<Project, 'models'>): Promise<Deployer> {
  const { deployments } = deps
  const models = new Map<string, ServingModel>()
  const servers = new Map<string, ModelServer>()
  for (const [name, model] of project.models) {
    const deployment = later(deployments.latest(name), model.deployment)
    const publish = (serving: ServingModel) => void models.set(name, serving)
    const server = await startModelServer(deps, { project: model, deployment, publish })
    servers.set(name, server)
    for (const { version, reason } of unservedOf(server.current))
      deps.logger.error({ model: name, version }, `a version of the deployment is not served: ${reason}`)
  }
  deployments.watch((name, deployment) => void servers.get(name)?.follow(deployment))

  function serverOf(name: string): ModelServer {
    const { definition } = findModel(models, name)
    return servers.get(definition.name)!
  }

  async function state(name: string): Promise<DeploymentState> {
    const { current, waiting } = serverOf(name)
    const history = await deployments.history(name)
    const unserved = unservedOf(current)
    return { model: name, deployment: current.deployment, unserved, ...(waiting !== undefined && { waiting }), history }
  }

  async function change(name: string, body: unknown, author: string): Promise<DeploymentState> {
    const server = serverOf(name)
    const wanted = validate(deploymentChange, body)
    // A version that was copied just now need not wait until it is found.
    if (pathsTo(wanted).some(({ version }) => !server.current.projectModel.versions.has(version)))
      await takeProject(await deps.readProject())
    await server.change(
      ({ project, deployment: now }) => {
        const stands = later(deployments.latest(name), now)
        const next = toNext({ wanted, author, stands, waiting: server.waiting?.deployment, at: deps.now() })
        const known = new Set([...project.versions.keys(), ...project.refused.keys()])
        refuseContradictions(next, { ...project, known })
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

  async function takeProject(found: Pick<Project, 'models'>): Promise<void> {
    for (const [name, server] of servers) {
      const model = found.models.get(name)
      const reason = model === undefined ? 'its files do not hold' : whyNotTaken(server.current.projectModel, model)
      if (model === undefined || reason !== undefined)
        deps.logger.warn({ model: name }, `what changed in the project is not taken: ${reason}`)
      else await server.takeProject(withDeployment(server.current, model))
    }
  }

  /** A deployment that contradicts itself, or that changed under the same number, does not replace what stands. */
  function withDeployment({ projectModel, deployment }: ServingModel, found: ProjectModel): ProjectModel {
    const keep = { ...found, deployment: projectModel.deployment }
    if (canonicalHash(found.deployment) === canonicalHash(projectModel.deployment)) return keep
    const warn = (reason: string) => deps.logger.warn({ model: found.definition.name }, `deployment.yaml is not taken: ${reason}`)
    try {
      // A version that is not there yet is waited for.
      refuseContradictions(found.deployment, { ...found, known: new Set(pathsTo(found.deployment).map(({ version }) => version)) })
      if (found.deployment.revision > deployment.revision) return found
      warn(`revision ${deployment.revision} stands, and it has ${found.deployment.revision}`)
    } catch (error) {
      warn(String(error))
    }
    return keep
  }

  return { models, state, waiting: (name) => servers.get(name)?.waiting, change, takeProject }
}

/** Features are compiled, and events described, from what was there at the start. */
function whyNotTaken(before: ProjectModel, found: ProjectModel): string | undefined {
  const same = before.definitionSha256 === found.definitionSha256 && hashOf(before) === hashOf(found)
  return same ? undefined : 'model.yaml, or a definition that it uses, is another one: start the gateway again'
}

function hashOf({ featureHashes }: ProjectModel): string {
  return canonicalHash(Object.fromEntries(featureHashes))
}
