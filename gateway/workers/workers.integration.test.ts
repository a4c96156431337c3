import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { once } from 'node:events'
import { json } from 'node:stream/consumers'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type PredictResponse, predictResponse } from '../../contracts/http.ts'
import { describeOutbox } from '../../platform/outbox/describe-outbox.ts'
import { openLmdbOnlineStore } from '../../platform/online-store/online-store-lmdb.ts'
import { readRunFiles } from '../../platform/service/run-files.ts'
import { type GatewayProcess, startGatewayProcess } from '../testing/gateway-process.ts'
import { refusalsOf } from '../../bin/status/refusals.ts'
import { fatesIn } from '../testing/read-fates.ts'
import { readRecords } from '../testing/read-outbox.ts'
import { addBadVersions, writeTestProject } from '../testing/write-test-project.ts'

let root: string
let projectDir: string
let dataDir: string
let gateway: GatewayProcess | undefined

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hindsight-workers-'))
  projectDir = join(root, 'project')
  await writeTestProject(projectDir)
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('a gateway of several workers', () => {
  afterEach(stop)

  it('is reached at one port, and each worker writes an outbox of its own, which knows of each prediction that it was answered', async () => {
    await start('one-port', 2)
    const ids = await predictOnOwnConnections(24)
    expect(workers()).toEqual(['gateway-0', 'gateway-0-w1', 'gateway-0.workers'])
    expect(await gateway!.stop()).toBe(0)
    gateway = undefined
    const records = await readRecords(dataDir, { lanes: ['predictions'] })
    const written = records.filter(({ kind, id }) => kind === 'event' && ids.includes(id))
    expect(written.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
    expect([...new Set(written.map(({ origin }) => origin.writer_id))].toSorted()).toEqual(['gateway-0', 'gateway-0-w1'])
    const fates = fatesIn(records)
    expect(ids.map((id) => fates.get(id))).toEqual(ids.map(() => 'answered'))
    expect(workers()).toEqual([])
  })

  it('of which none serves a model says so', async () => {
    await start('none-served', 2, { projectDir: await projectWithoutModels() })
    const readiness = await fetch(`${gateway!.admin}/readyz`)
    expect([readiness.status, await readiness.json()]).toMatchObject([
      503,
      { checks: { a_worker: false, a_model_is_served: false }, models_not_served: [{ model: 'basket', version: '3' }] },
    ])
  })

  it('says why it does not start', async () => {
    const env = { GATEWAY_WORKERS: '2', HINDSIGHT_HOST: '0.0.0.0' }
    await expect(startGatewayProcess({ projectDir, dataDir: join(root, 'refused'), env })).rejects.toThrow('invalid_config: HINDSIGHT_HOST')
  })
})

/** The tests run one after the other on the same gateway, of which the last leaves nothing. */
describe('a gateway of two workers', () => {
  beforeAll(async () => start('two', 2, { projectDir: await badProject('bad') }))
  afterAll(stop)

  it('shows the metrics of all at one place, and passes on what changes it', async () => {
    await predictOnOwnConnections(8)
    const metrics = await (await fetch(`${gateway!.admin}/metrics`)).text()
    const counts = [...metrics.matchAll(/hindsight_predictions_total\{worker="([^"]+)",.*route="champion",.*\} (\d+)/g)]
    expect(counts.map(([, worker = '']) => worker).toSorted()).toEqual(['gateway-0', 'gateway-0-w1'])
    expect(counts.reduce((sum, [, , count]) => sum + Number(count), 0)).toBe(8)
    expect(metrics.match(/^# TYPE hindsight_predictions_total/gm)).toHaveLength(1)
    const unknown = await fetch(`${gateway!.admin}/v1/nothing`, { method: 'PUT' })
    expect([unknown.status, ((await unknown.json()) as { error: { code: string } }).error.code]).toEqual([404, 'not_found'])
  })

  it('says what any worker says of the project: versions refused, models not served, views not filled', async () => {
    const seen: unknown = await (await fetch(`${gateway!.url}/readyz`)).json()
    expect(seen).toMatchObject({ ready: true, views_not_filled: ['shop_sales'] })
    const admin = await fetch(`${gateway!.admin}/readyz`)
    const checks = { a_worker: true, a_model_is_served: true }
    expect([admin.status, await admin.json()]).toEqual([200, { ready: true, checks, views_not_filled: ['shop_sales'] }])
    const { status } = (await (await fetch(`${gateway!.admin}/status`)).json()) as { status: Record<string, unknown> }
    expect(status['models']).toMatchObject([{ model: 'basket', champion: '1', versions: ['1', '2'] }])
    expect(refusalsOf([{ service: 'gateway', status }])).toEqual([
      expect.stringMatching(/^basket version 3 is refused: golden\[0\]/),
      expect.stringMatching(/^basket version 4 is refused: .*model_sha256/),
      expect.stringMatching(/^basket version 5 is refused: .*inputs\[0\]/),
    ])
  })

  it('changes its deployment in all workers', async () => {
    const url = `${gateway!.admin}/v1/models/basket/deployment`
    const { deployment } = (await (await fetch(url)).json()) as { deployment: { champion: string; revision: number } }
    expect(deployment.champion).toBe('1')
    const body = JSON.stringify({ champion: '2', reason: 'better', based_on: deployment.revision })
    const put = await fetch(url, { method: 'PUT', headers: { 'content-type': 'application/json' }, body })
    expect(put.status).toBe(200)
    const answering = async () => new Set((await predictions(6)).map(({ model_version: version }) => version))
    await expect.poll(answering).toEqual(new Set(['2']))
  })

  it('starts a worker again that dies, and is ready meanwhile', async () => {
    const victim = readRunFiles(dataDir, 'gateway').find(({ instance }) => instance === 'gateway-0-w1')!
    process.kill(victim.pid, 'SIGKILL')
    await expect.poll(restarts, { interval: 20 }).toEqual([0, 1])
    expect((await fetch(`${gateway!.admin}/readyz`)).status).toBe(200)
    await predictOnOwnConnections(4)
    await expect.poll(workers).toEqual(['gateway-0', 'gateway-0-w1', 'gateway-0.workers'])
    await predictOnOwnConnections(4)
  })

  it('whose parent is gone drains', async () => {
    await predictOnOwnConnections(4)
    await gateway!.stop('SIGKILL')
    gateway = undefined
    await expect.poll(workers).toEqual([])
    const { writers } = await describeOutbox(join(dataDir, 'outbox'))
    expect(writers.map(({ writerId, state }) => [writerId, state])).toEqual([
      ['gateway-0', 'released'],
      ['gateway-0-w1', 'released'],
    ])
  })
})

async function stop(): Promise<void> {
  await gateway?.stop()
  gateway = undefined
}

async function badProject(name: string): Promise<string> {
  const dir = join(root, name)
  await writeTestProject(dir)
  await addBadVersions(dir)
  return dir
}

/** A project of a single model, whose champion's golden request does not hold. */
async function projectWithoutModels(): Promise<string> {
  const dir = await badProject('unserved')
  const file = join(dir, 'basket/deployment.yaml')
  await writeFile(file, stringify({ ...(parse(await readFile(file, 'utf8')) as object), champion: '3' }))
  return dir
}

async function start(name: string, count: number, project = { projectDir }): Promise<void> {
  dataDir = join(root, name)
  await openLmdbOnlineStore({ dir: join(dataDir, 'online-store') }).close()
  gateway = await startGatewayProcess({ ...project, dataDir, env: { GATEWAY_WORKERS: String(count) } })
}

/** Names of the gateway's processes that run, as `hindsight status` has them. */
function workers(): string[] {
  return readRunFiles(dataDir, 'gateway')
    .map(({ instance = '' }) => instance)
    .toSorted()
}

async function restarts(): Promise<number[]> {
  const { status } = (await (await fetch(`${gateway!.admin}/status`)).json()) as { status: { workers: { restarts: number }[] } }
  return status.workers.map((worker) => worker.restarts)
}

/** Connections, not requests, are handed out to the workers in turn. Resolves with the prediction ids. */
async function predictOnOwnConnections(count: number): Promise<string[]> {
  return (await predictions(count)).map(({ prediction_id: id }) => id)
}

async function predictions(count: number): Promise<PredictResponse[]> {
  const answers: PredictResponse[] = []
  for (let index = 0; index < count; index++) answers.push(await predictOnOwnConnection())
  return answers
}

async function predictOnOwnConnection(): Promise<PredictResponse> {
  const agent = new Agent({ keepAlive: false })
  const options = { method: 'POST', agent, headers: { 'content-type': 'application/json' } }
  const sent = request(`${gateway!.url}/v1/models/basket/predict`, options).end(
    JSON.stringify({ entities: { shop: 7 }, features: { price: 3 } }),
  )
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  expect(response.statusCode).toBe(200)
  return predictResponse.parse(await json(response))
}
