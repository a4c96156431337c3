import { mkdtemp, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { predictResponse } from '../contracts/http.ts'
import { predictionEventV1, type PredictionEvent } from '../contracts/prediction-event.ts'
import { openLmdbOnlineStore } from '../platform/online-store/online-store-lmdb.ts'
import { describeWithRedis, startTestRedis, type TestRedis } from '../platform/online-store/testing/redis-server.ts'
import { armFailpoint, type FailpointName } from '../platform/service/failpoint.ts'
import { type GatewayProcess, startGatewayProcess } from './testing/gateway-process.ts'
import { fateRecordsIn } from './testing/read-fates.ts'
import { bodyOf, readOutbox, readRecords } from './testing/read-outbox.ts'
import { writeTestProject } from './testing/write-test-project.ts'
import { casesOf } from '../test/testing/full-run.ts'

let root: string
let dataDir: string
let failpoints: string
let redis: TestRedis | undefined
let started: GatewayProcess[]

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hindsight-gateway-once-'))
  dataDir = join(root, 'data')
  failpoints = join(root, 'failpoints')
  started = []
  await mkdir(failpoints)
  await writeTestProject(join(root, 'project'))
  await openLmdbOnlineStore({ dir: join(dataDir, 'online-store') }).close()
})
afterEach(async () => {
  await Promise.all(started.map((gateway) => gateway.stop('SIGKILL')))
  await redis?.stop()
  redis = undefined
  await rm(root, { recursive: true, force: true })
})

async function start(writerId: string): Promise<GatewayProcess> {
  const env = {
    HINDSIGHT_WRITER_ID: writerId,
    HINDSIGHT_FAILPOINTS: failpoints,
    ...(redis !== undefined && { REDIS_URL: redis.url }),
  }
  const gateway = await startGatewayProcess({ projectDir: join(root, 'project'), dataDir, env })
  started.push(gateway)
  return gateway
}

const send = (gateway: GatewayProcess, key: string | undefined, price = 1) =>
  fetch(`${gateway.url}/v1/models/basket/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    body: JSON.stringify({ entities: { shop: 1 }, features: { price }, options: { timeout_ms: 4000 } }),
  })

async function idOf(response: Response): Promise<string> {
  expect(response.status).toBe(200)
  return predictResponse.parse(await response.json()).prediction_id
}

/** What stands in all outboxes under a key, but for shadows. */
async function recorded(key: string): Promise<PredictionEvent[]> {
  const events = (await readOutbox(dataDir)).map((record) => predictionEventV1.parse(bodyOf(record)))
  return events.filter((event) => event.idempotency_key === key && event.route === 'champion')
}

/** What the outboxes say of replays. */
async function delivered(): Promise<string[]> {
  const fates = fateRecordsIn(await readRecords(dataDir, { lanes: ['predictions'] }))
  return fates.filter(({ fate }) => fate === 'delivered').map((fate) => fate.prediction_id)
}

/** A request that the gateway does not live to answer. */
async function sendUntilKilled(gateway: GatewayProcess, at: FailpointName): Promise<void> {
  armFailpoint(failpoints, at)
  await expect(send(gateway, 'k')).rejects.toThrow('fetch failed')
}

type Kill = [FailpointName, committed: number]
const afterClaim: Kill = ['gateway.after_claim', 0]
const beforeCommit: Kill = ['gateway.before_commit', 0]
const afterCommit: Kill = ['gateway.after_commit', 1]
const afterComplete: Kill = ['gateway.after_complete', 1]

function describeGateways(kills: readonly Kill[]): void {
  it('answer a key the same, whichever is asked and however many ask at once', async () => {
    const gateways = [await start('gateway-0'), await start('gateway-1')]
    const requests = Array.from({ length: 40 }, (_, index) => send(gateways[index % 2]!, 'k'))
    const statuses = (await Promise.all(requests)).map(({ status }) => status)
    expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([])
    expect(statuses).toContain(200)
    const ids = await Promise.all(gateways.map(async (gateway) => idOf(await send(gateway, 'k'))))
    expect(new Set(ids).size).toBe(1)
    expect((await send(gateways[1]!, 'k', 2)).status).toBe(422)
    expect((await recorded('k')).map((event) => event.prediction_id)).toEqual([ids[0]])
  })

  it.each(kills)('killed at %s: the retry at the restarted one has one prediction, and so has the other', async (at, committed) => {
    const [first, other] = [await start('gateway-0'), await start('gateway-1')]
    await sendUntilKilled(first, at)
    if (at !== 'gateway.after_complete') expect((await send(other, 'k')).status).toBe(409)
    const restarted = await start('gateway-0')
    // Only now: what was committed is shown to readers a moment after, or else by the recovery at the next start.
    expect(await recorded('k')).toHaveLength(committed)
    let answer = await send(restarted, 'k')
    await expect.poll(async () => (answer.status === 409 ? (answer = await send(restarted, 'k')).status : 200)).toBe(200)
    const id = await idOf(answer)
    // What was committed and nobody was told of is told by the replay; what is computed now needs none.
    const told = committed === 0 ? [] : [id]
    await expect.poll(delivered).toEqual(told)
    for (const each of [other, restarted, other]) expect(await idOf(await send(each, 'k'))).toBe(id)
    expect((await recorded('k')).map((event) => event.prediction_id)).toEqual([id])
    for (const each of [other, restarted]) expect(await each.stop()).toBe(0)
    expect(await delivered()).toEqual(told)
  })

  it("killed before it could answer: the replay at another gateway is in that one's ledger", async () => {
    const first = await start('gateway-0')
    await sendUntilKilled(first, 'gateway.after_complete')
    const other = await start('gateway-1')
    const id = await idOf(await send(other, 'k'))
    await expect.poll(delivered).toEqual([id])
    const records = await readRecords(dataDir, { lanes: ['predictions'] })
    expect(records.filter(({ kind }) => kind === 'fate').map(({ origin }) => origin.writer_id)).toContain('gateway-1')
  })

  it('killed after the answer: the key is answered the same', async () => {
    const gateway = await start('gateway-0')
    armFailpoint(failpoints, 'gateway.after_answer')
    const id = await idOf(await send(gateway, 'k'))
    expect(await idOf(await send(await start('gateway-0'), 'k'))).toBe(id)
    expect(await recorded('k')).toHaveLength(1)
  })
}

describe('gateways that share a data directory', () => {
  describeGateways(casesOf({ few: [beforeCommit], all: [beforeCommit, afterCommit] }))
})

describeWithRedis('gateways that share a Redis', () => {
  beforeEach(async () => {
    redis = await startTestRedis()
  })

  describeGateways(casesOf({ few: [afterCommit], all: [afterClaim, beforeCommit, afterCommit, afterComplete] }))

  it('refuse keys while it is down, answer requests without one, and take keys again at its return', async () => {
    const gateway = await start('gateway-0')
    await idOf(await send(gateway, 'warm'))
    redis!.signal('SIGSTOP')
    const refused = await send(gateway, 'k')
    expect([refused.status, ((await refused.json()) as { error: { code: string } }).error.code]).toEqual([503, 'idempotency_unavailable'])
    expect((await send(gateway, undefined)).status).toBe(200)
    redis!.signal('SIGCONT')
    await expect.poll(async () => (await send(gateway, 'k')).status).toBe(200)
  })

  it('started while it is down: what an earlier run had committed is completed at its return', async () => {
    const first = await start('gateway-0')
    await sendUntilKilled(first, 'gateway.after_commit')
    redis!.signal('SIGSTOP')
    const restarted = await start('gateway-0')
    expect((await send(restarted, 'k')).status).toBe(503)
    redis!.signal('SIGCONT')
    await expect.poll(async () => (await send(restarted, 'k')).status).toBe(200)
    const events = await recorded('k')
    expect(events).toHaveLength(1)
    expect(await idOf(await send(restarted, 'k'))).toBe(events[0]!.prediction_id)
  })
})
