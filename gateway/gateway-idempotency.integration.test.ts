import { mkdtemp, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
const running = new Map<WriterId, GatewayProcess>()

/** Two gateways on one data directory, which the tests of a group share: each test has keys of its own. */
async function setUp(): Promise<void> {
  root = await mkdtemp(join(tmpdir(), 'hindsight-gateway-once-'))
  dataDir = join(root, 'data')
  failpoints = join(root, 'failpoints')
  await mkdir(failpoints)
  await writeTestProject(join(root, 'project'))
  await openLmdbOnlineStore({ dir: join(dataDir, 'online-store') }).close()
}

async function tearDown(): Promise<void> {
  await Promise.all([...running.values()].map((gateway) => gateway.stop('SIGKILL')))
  running.clear()
  await redis?.stop()
  redis = undefined
  await rm(root, { recursive: true, force: true })
}

type WriterId = 'gateway-0' | 'gateway-1'

/** Starts a gateway anew, whatever ran under this name before. */
async function start(writerId: WriterId): Promise<GatewayProcess> {
  const env = {
    HINDSIGHT_WRITER_ID: writerId,
    HINDSIGHT_FAILPOINTS: failpoints,
    ...(redis !== undefined && { REDIS_URL: redis.url }),
  }
  const gateway = await startGatewayProcess({ projectDir: join(root, 'project'), dataDir, env })
  running.set(writerId, gateway)
  return gateway
}

/** Both gateways of a group, of which those are started that do not run. */
const both = () => Promise.all((['gateway-0', 'gateway-1'] as const).map(async (writerId) => running.get(writerId) ?? start(writerId)))

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

const recordedIds = async (key: string) => (await recorded(key)).map((event) => event.prediction_id)

/** The writers whose outboxes say that a replay of the prediction was delivered. */
async function deliveredBy(id: string): Promise<string[]> {
  const records = await readRecords(dataDir, { lanes: ['predictions'] })
  const told = records.filter((record) => fateRecordsIn([record]).some((fate) => fate.fate === 'delivered' && fate.prediction_id === id))
  return told.map(({ origin }) => origin.writer_id)
}

/** Whether nothing goes on in the gateway that no answer waits for. */
async function isIdle({ url }: GatewayProcess): Promise<boolean> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  return /^hindsight_in_flight\{[^}]*kind="background"[^}]*\} 0$/m.test(metrics)
}

/** A request that the gateway does not live to answer. */
async function sendUntilKilled(gateway: GatewayProcess, key: string, at: FailpointName): Promise<void> {
  armFailpoint(failpoints, at)
  await expect(send(gateway, key)).rejects.toThrow('fetch failed')
}

type Kill = [FailpointName, committed: number]
const afterClaim: Kill = ['gateway.after_claim', 0]
const beforeCommit: Kill = ['gateway.before_commit', 0]
const afterCommit: Kill = ['gateway.after_commit', 1]
const afterComplete: Kill = ['gateway.after_complete', 1]

function describeGateways(kills: readonly Kill[]): void {
  it('answer a key the same, whichever is asked and however many ask at once', async () => {
    const gateways = await both()
    const requests = Array.from({ length: 40 }, (_, index) => send(gateways[index % 2]!, 'many'))
    const statuses = (await Promise.all(requests)).map(({ status }) => status)
    expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([])
    expect(statuses).toContain(200)
    const ids = await Promise.all(gateways.map(async (gateway) => idOf(await send(gateway, 'many'))))
    expect(new Set(ids).size).toBe(1)
    expect((await send(gateways[1]!, 'many', 2)).status).toBe(422)
    await expect.poll(() => recordedIds('many')).toEqual([ids[0]])
  })

  it("killed before it could answer: the replay at another gateway is in that one's ledger", async () => {
    const [first, other] = await both()
    await sendUntilKilled(first!, 'replayed', 'gateway.after_complete')
    running.delete('gateway-0')
    const id = await idOf(await send(other!, 'replayed'))
    await expect.poll(() => deliveredBy(id)).toEqual(['gateway-1'])
  })

  it('killed after the answer: the key is answered the same', async () => {
    const [first] = await both()
    armFailpoint(failpoints, 'gateway.after_answer')
    const id = await idOf(await send(first!, 'answered'))
    expect(await idOf(await send(await start('gateway-0'), 'answered'))).toBe(id)
    await expect.poll(() => recordedIds('answered')).toEqual([id])
  })

  it.each(kills)('killed at %s: the retry at the restarted one has one prediction, and so has the other', async (at, committed) => {
    const [first, other] = await both()
    await sendUntilKilled(first!, at, at)
    if (at !== 'gateway.after_complete') expect((await send(other!, at)).status).toBe(409)
    const restarted = await start('gateway-0')
    // The outboxes are read only now: a committed record is shown to readers a moment after, or else by the recovery at the next start.
    expect(await recorded(at)).toHaveLength(committed)
    let answer = await send(restarted, at)
    await expect.poll(async () => (answer.status === 409 ? (answer = await send(restarted, at)).status : 200)).toBe(200)
    const id = await idOf(answer)
    // What was committed and nobody was told of is told by the replay; what is computed now needs none.
    const told = committed === 0 ? [] : ['gateway-0']
    await expect.poll(() => deliveredBy(id)).toEqual(told)
    // The delivery of the answer is remembered a moment later: a replay before that would say it once more.
    await expect.poll(() => isIdle(restarted)).toBe(true)
    for (const each of [other, restarted, other]) expect(await idOf(await send(each!, at))).toBe(id)
    await expect.poll(() => recordedIds(at)).toEqual([id])
    expect(await Promise.all([other!, restarted].map((each) => each.stop()))).toEqual([0, 0])
    running.clear()
    expect(await deliveredBy(id)).toEqual(told)
  })
}

describe('gateways that share a data directory', () => {
  beforeAll(setUp)
  afterAll(tearDown)

  describeGateways(casesOf({ few: [beforeCommit], all: [beforeCommit, afterCommit] }))
})

describeWithRedis('gateways that share a Redis', () => {
  beforeAll(async () => {
    redis = await startTestRedis()
    await setUp()
  })
  afterAll(tearDown)

  it('refuse keys while it is down, answer requests without one, and take keys again at its return', async () => {
    const gateway = running.get('gateway-0') ?? (await start('gateway-0'))
    await idOf(await send(gateway, 'warm'))
    redis!.signal('SIGSTOP')
    const refused = await send(gateway, 'refused')
    expect([refused.status, ((await refused.json()) as { error: { code: string } }).error.code]).toEqual([503, 'idempotency_unavailable'])
    expect((await send(gateway, undefined)).status).toBe(200)
    redis!.signal('SIGCONT')
    await expect.poll(async () => (await send(gateway, 'refused')).status).toBe(200)
  })

  it('started while it is down: what an earlier run had committed is completed at its return', async () => {
    const first = running.get('gateway-0') ?? (await start('gateway-0'))
    await sendUntilKilled(first, 'completed', 'gateway.after_commit')
    redis!.signal('SIGSTOP')
    const restarted = await start('gateway-0')
    expect((await send(restarted, 'completed')).status).toBe(503)
    redis!.signal('SIGCONT')
    await expect.poll(async () => (await send(restarted, 'completed')).status).toBe(200)
    const ids = await recordedIds('completed')
    expect(ids).toHaveLength(1)
    expect(await idOf(await send(restarted, 'completed'))).toBe(ids[0])
  })

  describeGateways(casesOf({ few: [afterCommit], all: [afterClaim, beforeCommit, afterCommit, afterComplete] }))
})
