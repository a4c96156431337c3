import { randomUUID } from 'node:crypto'
import { link, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { deployment as deploymentContract, type Deployment } from '../../contracts/deployment.ts'
import { ServiceError } from '../../contracts/errors.ts'
import type { DeploymentStore } from './deployment-store.ts'
import { makeDirectory, syncDirectory, writeFileSynced } from '../../platform/service/durable-files.ts'
import { repeat } from '../../platform/service/repeat.ts'

/** Revisions of a model that are kept. */
const keptRevisions = 200
/** How soon a gateway follows what another one on the same data directory was told. */
const lookEveryMs = 1_000

export type DeploymentFiles = DeploymentStore & {
  /** The latest deployment of each model. */
  all(): ReadonlyMap<string, Deployment>
}

/**
 * A file for each revision, `<dir>/<model>/<revision>.json`, which is made whole or not at all and by one process only:
 * so gateways that share the directory cannot both put a revision.
 */
export async function openDeploymentFiles(options: { dir: string; onFault: (error: unknown) => void }): Promise<DeploymentFiles> {
  const { dir, onFault } = options
  const known = new Map<string, Deployment>()
  const listeners: ((model: string, deployment: Deployment) => void)[] = []

  async function look(): Promise<void> {
    for (const model of await listIfThere(dir)) {
      const last = (await revisionsOf(dir, model)).at(-1)
      if (last === undefined || last <= (known.get(model)?.revision ?? -1)) continue
      see(model, await readRevision(dir, model, last))
    }
  }

  function see(model: string, deployment: Deployment): void {
    if (deployment.revision <= (known.get(model)?.revision ?? -1)) return
    known.set(model, deployment)
    for (const listener of listeners) listener(model, deployment)
  }

  async function put(model: string, deployment: Deployment): Promise<void> {
    const revisions = await revisionsOf(dir, model)
    if ((revisions.at(-1) ?? -1) >= deployment.revision) throw conflict(model, deployment)
    await createRevision(dir, model, deployment)
    for (const old of revisions.slice(0, Math.max(0, revisions.length + 1 - keptRevisions)))
      await rm(fileOf(dir, model, old), { force: true })
    see(model, deployment)
  }

  await look()
  const stopping = new AbortController()
  void repeat(look, { everyMs: lookEveryMs, firstAfterMs: lookEveryMs, signal: stopping.signal, onFault })
  return {
    all: () => known,
    latest: (model) => known.get(model),
    async history(model) {
      const revisions = await revisionsOf(dir, model)
      return Promise.all(revisions.toReversed().map((revision) => readRevision(dir, model, revision)))
    },
    put,
    watch: (listener) => void listeners.push(listener),
    close: async () => stopping.abort(),
  }
}

export function conflict(model: string, { revision }: Deployment): ServiceError {
  return new ServiceError('deployment_conflict', `${model} has a revision ${revision} already`, { hint: 'look at it, and change that' })
}

/** A name that exists is not taken again, so of two that come at once one fails. */
async function createRevision(dir: string, model: string, deployment: Deployment): Promise<void> {
  const folder = join(dir, model)
  await makeDirectory(folder)
  const temporary = join(folder, `${randomUUID()}.tmp`)
  try {
    await writeFileSynced(temporary, `${JSON.stringify(deployment, null, 2)}\n`)
    await link(temporary, fileOf(dir, model, deployment.revision))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw conflict(model, deployment)
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
  await syncDirectory(folder)
}

function fileOf(dir: string, model: string, revision: number): string {
  return join(dir, model, `${revision}.json`)
}

async function revisionsOf(dir: string, model: string): Promise<number[]> {
  const names = await listIfThere(join(dir, model))
  return names
    .filter((name) => /^\d+\.json$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .toSorted((a, b) => a - b)
}

async function readRevision(dir: string, model: string, revision: number): Promise<Deployment> {
  const file = fileOf(dir, model, revision)
  const parsed = deploymentContract.safeParse(JSON.parse(await readFile(file, 'utf8')))
  if (!parsed.success) throw new ServiceError('invalid_config', `${file} is not a deployment`, { cause: parsed.error })
  return parsed.data
}

async function listIfThere(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}
