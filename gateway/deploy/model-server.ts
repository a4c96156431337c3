import type { Deployment } from '../../contracts/deployment.ts'
import { ServiceError } from '../../contracts/errors.ts'
import type { ProjectModel, ProjectVersion } from '../../platform/project/project.ts'
import { createSerial } from '../../platform/service/serial.ts'
import type { ServingModel, ServingVersion } from '../predict/serving-model.ts'
import { createUses } from '../predict/uses.ts'
import { loadVersion, type WarmUpDeps } from '../predict/warm-up.ts'
import { describeProblem, isSameVersion, pathsTo, wantedBy } from './versions-of.ts'

/** A version that did not load, so that the same bytes are not tried again. */
type Failure = { version: ProjectVersion; reason: string }

/** One model: which versions are in memory, and which deployment requests find. Changes happen one at a time. */
export type ModelServer = {
  readonly current: ServingModel
  /** The deployment that is later than the one in force and cannot take effect yet, and why. */
  readonly waiting: { deployment: Deployment; reason: string } | undefined
  /**
   * Puts the deployment that `make` gives into force: loads its versions, keeps it with `commit`, and swaps. Rejects, with
   * nothing changed, with `unknown_version` for one that cannot be served, or with what `make` or `commit` throw.
   */
  change(
    make: (now: { project: ProjectModel; deployment: Deployment }) => Deployment,
    commit: (next: Deployment) => Promise<void>,
  ): Promise<Deployment>
  /** Puts a later deployment into force as soon as its versions can be served, and never an earlier one. */
  follow(deployment: Deployment): Promise<void>
  /** Takes over the model as it is in the project folder now. */
  takeProject(project: ProjectModel): Promise<void>
}

export type ModelServerOptions = { project: ProjectModel; deployment: Deployment; publish: (model: ServingModel) => void }

/** Serves what it can of the deployment, even without its champion: there is nothing to go on with yet. */
export async function startModelServer(deps: WarmUpDeps, options: ModelServerOptions): Promise<ModelServer> {
  const inTurn = createSerial()
  const loaded = new Map<string, ServingVersion>()
  const failures = new Map<string, Failure>()
  /** What requests may still find: a version is unloaded when none of these has it. */
  const inUse = new Set<ServingModel>()
  let { project } = options
  let waiting: ModelServer['waiting']
  let current = await begin()

  async function begin(): Promise<ServingModel> {
    for (const version of wantedBy(options.deployment, project)) await ensure(version)
    return publish(options.deployment)
  }

  /** Loads the version if it is not in memory; returns why that cannot be. */
  async function ensure(name: string): Promise<string | undefined> {
    if (loaded.has(name)) return undefined
    const version = project.versions.get(name)
    if (version === undefined) return describeProblem(project.refused.get(name)) ?? 'it is not in the project'
    const before = failures.get(name)
    if (before !== undefined && isSameVersion(before.version, version)) return before.reason
    try {
      loaded.set(name, await loadVersion(deps, project, version))
      failures.delete(name)
      return undefined
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      failures.set(name, { version, reason })
      deps.logger.error({ model: version.model, version: name }, `version refused: ${reason}`)
      return reason
    }
  }

  async function warm(deployment: Deployment): Promise<void> {
    for (const { version, path } of pathsTo(deployment)) {
      const reason = await ensure(version)
      if (reason !== undefined) throw new ServiceError('unknown_version', `version ${version} cannot be served: ${reason}`, { path })
    }
    for (const version of wantedBy(deployment, project)) await ensure(version)
  }

  function publish(deployment: Deployment): ServingModel {
    const wanted = wantedBy(deployment, project)
    const versions = new Map(wanted.flatMap((name) => (loaded.has(name) ? [[name, loaded.get(name)!] as const] : [])))
    const known = [...new Set([...wanted, ...project.refused.keys()])]
    const reasons = known.map((name) => [name, describeProblem(project.refused.get(name)) ?? failures.get(name)?.reason] as const)
    const refused = new Map(reasons.flatMap(([name, reason]) => (reason === undefined || versions.has(name) ? [] : [[name, reason]])))
    const next = { definition: project.definition, projectModel: project, deployment, versions, refused, uses: createUses() }
    inUse.add(next)
    options.publish(next)
    return next
  }

  /** Puts the deployment into force within one turn of the event loop: a request finds the old or the new one, whole. */
  function swap(deployment: Deployment): void {
    const before = current
    current = publish(deployment)
    if (waiting !== undefined && waiting.deployment.revision <= deployment.revision) waiting = undefined
    retire(before).catch((error: unknown) => deps.logger.error({ err: error }, 'unloading a version failed'))
  }

  /** Unloads what only this model used, once the last request that found it is answered and its shadows are recorded. */
  async function retire(model: ServingModel): Promise<void> {
    await model.uses.idle()
    inUse.delete(model)
    await inTurn(unloadUnused)
  }

  async function unloadUnused(): Promise<void> {
    for (const [name, serving] of loaded) {
      if ([...inUse].some(({ versions }) => versions.get(name) === serving)) continue
      loaded.delete(name)
      await deps.inference.unload(serving.sessionId)
      deps.logger.info({ model: serving.definition.name, version: name }, 'version unloaded')
    }
  }

  /** Warns of other bytes under the name of a version in memory, which stays: a version is its bytes. */
  function warnOfChangedBytes(found: ProjectModel): void {
    for (const [name, { definition, facts }] of loaded) {
      const now = found.versions.get(name)
      if (now !== undefined && (now.manifestSha256 !== facts.manifest_sha256 || now.modelSha256 !== facts.model_sha256))
        deps.logger.warn({ model: definition.name, version: name }, 'files of a version have changed: give it a name of its own')
    }
  }

  async function tryToFollow(deployment: Deployment): Promise<void> {
    if (deployment.revision <= current.deployment.revision) return
    try {
      await warm(deployment)
      swap(deployment)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (waiting?.reason !== reason) deps.logger.error({ model: project.definition.name, revision: deployment.revision }, reason)
      waiting = { deployment, reason }
    }
  }

  return {
    get current() {
      return current
    },
    get waiting() {
      return waiting
    },
    change: (make, commit) =>
      inTurn(async () => {
        const next = make({ project, deployment: current.deployment })
        await warm(next)
        await commit(next)
        swap(next)
        return next
      }),
    follow: (deployment) => inTurn(() => tryToFollow(deployment)),
    takeProject: (found) =>
      inTurn(async () => {
        warnOfChangedBytes(found)
        project = found
        await tryToFollow(later(waiting?.deployment, found.deployment))
        for (const version of wantedBy(current.deployment, project)) await ensure(version)
        swap(current.deployment)
      }),
  }
}

/** The one of two deployments that stands. What was put stands before a file of the same revision. */
export function later(put: Deployment | undefined, file: Deployment): Deployment {
  return put !== undefined && put.revision >= file.revision ? put : file
}
