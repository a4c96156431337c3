import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream'
import { type KV, type KvEntry, Kvm } from '@nats-io/kv'
import { deployment as deploymentContract, type Deployment } from '../../contracts/deployment.ts'
import { ServiceError } from '../../contracts/errors.ts'
import { connectNats, type NatsLink } from '../../platform/nats/connect-nats.ts'
import type { NatsSettings } from '../../platform/nats/nats-config.ts'
import { settledWithin } from '../../platform/service/within.ts'
import { conflict, type DeploymentFiles } from './deployment-store-file.ts'
import type { DeploymentStore } from './deployment-store.ts'
import { repeat } from '../../platform/service/repeat.ts'

/** Revisions of a model that the bucket keeps: the most that NATS allows. */
const keptRevisions = 64
/** How long a start waits to know what stands: then the gateway goes by what it knew. */
const firstLookMs = 3_000
/** A watch that the server has forgotten says nothing: it is begun anew this often. */
const watchAtMostMs = 30_000
const pauseMs = 1_000

export type NatsDeploymentsOptions = { settings: NatsSettings; files: DeploymentFiles; onFault: (error: unknown) => void }

/**
 * Deployments in the key-value bucket `<prefix>_deployments`, for every gateway on the NATS account. What is seen is kept in
 * files too: a gateway starts and serves without NATS, and a bucket that has lost its latest revision is given it back.
 */
export async function openNatsDeployments({ settings, files, onFault }: NatsDeploymentsOptions): Promise<DeploymentStore> {
  const stopped = new AbortController()
  const bucket = `${settings.NATS_STREAM_PREFIX}_deployments`
  let link: NatsLink | undefined
  let kv: KV | undefined
  let endWatch: () => void = () => undefined
  let sawAll: () => void = () => undefined
  const firstLook = new Promise<void>((resolve) => (sawAll = resolve))

  async function run(): Promise<void> {
    link = await connectNats(settings, { name: 'gateway', onFault, signal: stopped.signal })
    link.onReconnect(() => endWatch())
    const { nc } = link
    await repeat(() => follow(nc), { everyMs: pauseMs, signal: stopped.signal, onFault: unlessClosed })
  }

  /** Reports an error, unless the store was closed, which ends whatever is under way. */
  function unlessClosed(error: unknown): void {
    if (!stopped.signal.aborted) onFault(error)
  }

  async function follow(nc: NatsLink['nc']): Promise<void> {
    kv = await new Kvm(nc).create(bucket, { history: keptRevisions, replicas: settings.NATS_STREAM_REPLICAS })
    for (const [model, deployment] of files.all()) await giveBack(kv, model, deployment)
    for await (const model of await kv.keys()) await take(await kv.get(model))
    sawAll()
    const changes = await kv.watch()
    endWatch = () => changes.stop()
    const timer = setTimeout(endWatch, watchAtMostMs).unref()
    for await (const entry of changes) await take(entry)
    clearTimeout(timer)
  }

  async function take(entry: KvEntry | null): Promise<void> {
    const deployment = entry === null ? undefined : parse(entry)
    if (entry === null || deployment === undefined || deployment.revision <= (files.latest(entry.key)?.revision ?? -1)) return
    // Another gateway on the data directory may have written it already.
    await files.put(entry.key, deployment).catch(unlessConflict)
  }

  function parse(entry: KvEntry): Deployment | undefined {
    if (entry.operation !== 'PUT') return undefined
    const checked = deploymentContract.safeParse(entry.json())
    if (checked.success) return checked.data
    onFault(new ServiceError('invalid_config', `${entry.key} in the bucket ${bucket} is not a deployment`, { cause: checked.error }))
    return undefined
  }

  function requireBucket(): KV {
    if (kv !== undefined && link?.connected() === true) return kv
    throw new ServiceError('event_log_unavailable', 'NATS, which keeps the deployments, does not answer')
  }

  async function put(model: string, deployment: Deployment): Promise<void> {
    await putInBucket(requireBucket(), model, deployment).catch(unavailable)
    await files.put(model, deployment).catch(unlessConflict)
  }

  async function history(model: string): Promise<Deployment[]> {
    const revisions = new Map((await files.history(model)).map((deployment) => [deployment.revision, deployment]))
    if (kv !== undefined && link?.connected() === true) {
      for await (const entry of await kv.history({ key: model })) {
        const deployment = parse(entry)
        if (deployment !== undefined) revisions.set(deployment.revision, deployment)
      }
    }
    return [...revisions.values()].toSorted((a, b) => b.revision - a.revision)
  }

  const running = run().catch(unlessClosed)
  await settledWithin(firstLookMs, firstLook)
  return {
    latest: (model) => files.latest(model),
    history,
    put,
    watch: (listener) => files.watch(listener),
    async close() {
      stopped.abort()
      endWatch()
      await link?.close()
      await settledWithin(pauseMs, running)
      await files.close()
    },
  }
}

/** Puts a revision into the bucket, only on top of an earlier one, and only if nobody else has put one meanwhile. */
async function putInBucket(kv: KV, model: string, deployment: Deployment): Promise<void> {
  const entry = await kv.get(model)
  const there = entry === null || entry.operation !== 'PUT' ? -1 : entry.json<Deployment>().revision
  if (there >= deployment.revision) throw conflict(model, deployment)
  try {
    await kv.put(model, JSON.stringify(deployment), { previousSeq: entry?.revision ?? 0 })
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence) throw conflict(model, deployment)
    throw error
  }
}

async function giveBack(kv: KV, model: string, deployment: Deployment): Promise<void> {
  await putInBucket(kv, model, deployment).catch(unlessConflict)
}

function unlessConflict(error: unknown): void {
  if (!(error instanceof ServiceError && error.code === 'deployment_conflict')) throw error
}

function unavailable(cause: unknown): never {
  if (cause instanceof ServiceError) throw cause
  throw new ServiceError('event_log_unavailable', 'NATS, which keeps the deployments, does not answer', { cause })
}
