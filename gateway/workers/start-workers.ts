import cluster from 'node:cluster'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { isBun } from '../../platform/service/bun.ts'
import type { RunningService, ServiceContext } from '../../platform/service/service.ts'
import { defaultThreads, type GatewayConfig } from '../config.ts'
import { forwardAdmin } from './forward-admin.ts'
import { mergeChecks, mergeModels, mergeNotes, type WorkerReadiness, type WorkerStatus } from './merge-answers.ts'
import { mergeMetrics } from './merge-metrics.ts'
import { keepWorker, type Worker, type WorkerState } from './worker.ts'
import { observeWorkers } from './workers-metrics.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
/** The longest that a worker may take to answer its parent. */
const askDeadlineMs = 1_500

/** Whether this process is to run the workers instead of being the gateway itself. */
export function isParentOfWorkers(env: NodeJS.ProcessEnv): boolean {
  return cluster.isPrimary && Number(env['GATEWAY_WORKERS']) > 1
}

/**
 * Gateways as processes of their own that share one port: this process takes the connections and hands them out in turn.
 * Starts each again that ends. Ready as long as one of them is.
 */
export async function startWorkers({ config, logger, instruments }: ServiceContext<GatewayConfig>): Promise<RunningService> {
  cluster.setupPrimary({ exec: main })
  const writerIds = writerIdsOf(config.HINDSIGHT_WRITER_ID, config.GATEWAY_WORKERS)
  const env = { ...workerEnv(config), ...(await sharedPort(config)) }
  const workers = writerIds.map((writerId) => keepWorker({ writerId, env, logger }))
  try {
    await Promise.all(workers.map(({ started }) => started))
  } catch (error) {
    await stopAll(workers)
    throw error
  }
  const states = () => workers.map((worker) => worker.state())
  const admins = () => states().flatMap(({ writerId, ready, said }) => (ready && said ? [{ writerId, url: said.admin }] : []))
  let asking: Promise<WorkerReadiness[]> | undefined
  /** The workers' readiness, read once for the checks and the notes of one `/readyz`. */
  const readiness = () => (asking ??= askAll(admins(), readReadiness).finally(() => (asking = undefined)))
  observeWorkers(instruments, states)
  return {
    addresses: states()[0]?.said?.addresses ?? {},
    checks: async () => mergeChecks(await readiness()),
    notes: async () => mergeNotes(await readiness()),
    async status() {
      const statuses = await askAll(admins(), readStatus)
      return { workers: states().map(describe), models: mergeModels(statuses), ...mergeNotes(statuses) }
    },
    metrics: async (own) => mergeMetrics(own, await Promise.all(admins().map(readMetrics))),
    admin: forwardAdmin(() => admins()[0]?.url),
    async drain() {
      if (!(await stopAll(workers))) throw new Error('not every worker drained')
    },
  }
}

/** The environment of a worker: an admin port of its own, and its share of the threads for the cores. */
function workerEnv({ GATEWAY_WORKERS: workers, HINDSIGHT_INFERENCE_THREADS: threads }: GatewayConfig): Record<string, string> {
  const share = threads === defaultThreads ? Math.max(2, Math.floor(threads / workers)) : threads
  return { HINDSIGHT_ADMIN_PORT: '0', HINDSIGHT_INFERENCE_THREADS: String(share) }
}

/** The port that the workers share on Bun, where each listens by itself: where any port will do, one is chosen for all. */
async function sharedPort({ HINDSIGHT_PORT, HINDSIGHT_HOST }: GatewayConfig): Promise<Record<string, string>> {
  if (!isBun || HINDSIGHT_PORT !== 0) return {}
  const server = createServer().listen(0, HINDSIGHT_HOST)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return { HINDSIGHT_PORT: String(port) }
}

async function stopAll(workers: readonly Worker[]): Promise<boolean> {
  return (await Promise.all(workers.map((worker) => worker.stop()))).every(({ kind }) => kind === 'drained' || kind === 'dead')
}

/** The answers of the workers that give one. */
async function askAll<Answer>(admins: readonly { url: string }[], read: (admin: string) => Promise<Answer>): Promise<Answer[]> {
  const answers = await Promise.allSettled(admins.map(({ url }) => read(url)))
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
}

async function readReadiness(admin: string): Promise<WorkerReadiness> {
  return (await (await ask(`${admin}/readyz`)).json()) as WorkerReadiness
}

async function readStatus(admin: string): Promise<WorkerStatus> {
  const { status } = (await (await ask(`${admin}/status`)).json()) as { status: WorkerStatus }
  return status
}

/** A worker's metrics; empty when it does not answer. */
async function readMetrics({ writerId, url }: { writerId: string; url: string }): Promise<{ worker: string; text: string }> {
  const text = await ask(`${url}/metrics`).then(
    (response) => response.text(),
    () => '',
  )
  return { worker: writerId, text }
}

function ask(url: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(askDeadlineMs) })
}

function describe({ writerId, ready, restarts, lastExit, said }: WorkerState): Record<string, unknown> {
  return {
    writer_id: writerId,
    up: ready,
    ...(ready && said && { pid: said.pid, admin: said.admin }),
    restarts,
    ...(lastExit !== undefined && { last_exit: lastExit.how }),
  }
}

/** The writer id of each worker, the same at every start, because an outbox belongs to one writer. The first worker goes on with the gateway's own. */
export function writerIdsOf(writerId: string, workers: number): string[] {
  return Array.from({ length: workers }, (_, index) => (index === 0 ? writerId : `${writerId}-w${index}`))
}
