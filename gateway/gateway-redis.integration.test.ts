import { defaultTenant } from './http/caller.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { errorBody, predictResponse, type PredictResponse } from '../contracts/http.ts'
import { predictionEventV1, type PredictionEvent } from '../contracts/prediction-event.ts'
import { compileView } from '../features/engine/compile-view.ts'
import { partitionOf, readyKey } from '../features/engine/store-keys.ts'
import { openRedisOnlineStore } from '../platform/online-store/online-store-redis.ts'
import { describeWithRedis, startTestRedis, type TestRedis } from '../platform/online-store/testing/redis-server.ts'
import { loadProject } from '../platform/project/load-project.ts'
import { type GatewayProcess, startGatewayProcess } from './testing/gateway-process.ts'
import { bodyOf, readOutbox } from './testing/read-outbox.ts'
import { writeTestProject } from './testing/write-test-project.ts'

const shop = '7'
const timeoutMs = 4_000
const soon = { timeout: 180_000, interval: 50 }
const unread = ['online_store_unavailable: the answer does without online features', 'feature sales_1h is defaulted: store_unavailable']

describeWithRedis('a gateway whose online store is Redis', () => {
  let root: string
  let redis: TestRedis
  let gateway: GatewayProcess

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'hindsight-gateway-redis-'))
    redis = await startTestRedis()
  })
  afterEach(async () => {
    await gateway?.stop('SIGKILL')
    await redis.stop()
    await rm(root, { recursive: true, force: true })
  })

  async function start(rules: Parameters<typeof writeTestProject>[1] = {}): Promise<void> {
    const projectDir = join(root, 'project')
    await writeTestProject(projectDir, rules)
    await fillStore(projectDir)
    gateway = await startGatewayProcess({ projectDir, dataDir: join(root, 'data'), env: { REDIS_URL: redis.url } })
  }

  /** Fills the store as the materializer leaves it: the view is loaded, and the shop has sold nothing. */
  async function fillStore(projectDir: string): Promise<void> {
    const { views, sources } = await loadProject(projectDir)
    const key = readyKey(compileView(views.get('shop_sales')!, sources.get('sale')!).grids[0]!)
    const store = await openRedisOnlineStore({ url: redis.url })
    const applied = [{ writer_id: 'gateway-0', epoch: 1, seq: 9 }]
    await store.commit([{ partition: partitionOf(defaultTenant, shop), values: new Map([[key, Uint8Array.of(1)]]), applied }])
    await store.close()
  }

  const post = (requestId: string) =>
    fetch(`${gateway.url}/v1/models/basket/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ request_id: requestId, entities: { shop }, features: { price: 1 }, options: { timeout_ms: timeoutMs } }),
    })

  async function predict(requestId: string): Promise<PredictResponse> {
    const response = await post(requestId)
    expect(response.status).toBe(200)
    return predictResponse.parse(await response.json())
  }

  const warningsOf = async (requestId: string) => (await predict(requestId)).warnings

  async function readEvents(): Promise<Map<string, PredictionEvent>> {
    const events = (await readOutbox(join(root, 'data'))).map((record) => predictionEventV1.parse(bodyOf(record)))
    return new Map(events.filter(({ route }) => route === 'champion').map((event) => [event.request_id, event]))
  }

  it('answers by the rules of model.yaml while it is emptied, stopped, killed, and says so in the events', async () => {
    await start()
    expect(await warningsOf('read')).toEqual([])
    await redis.client.flushall()
    expect(await warningsOf('emptied')).toEqual(['feature sales_1h is defaulted: not_ready'])

    redis.signal('SIGSTOP')
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => predict(`stopped-${index}`)))
    for (const { warnings } of answers) expect(warnings).toEqual(unread)
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200)
    redis.signal('SIGCONT')
    await expect.poll(() => warningsOf('continued'), soon).not.toEqual(unread)

    await redis.kill()
    expect(await warningsOf('killed')).toEqual(unread)
    await redis.restart()
    await expect.poll(() => warningsOf('restarted'), soon).toEqual(['feature sales_1h is defaulted: not_ready'])

    expect(await (await fetch(`${gateway.url}/metrics`)).text()).toMatch(
      /hindsight_online_store_reads_total\{[^}]*outcome="(late|failed)"[^}]*\} [1-9]/,
    )
    expect(await gateway.stop()).toBe(0)
    const events = await readEvents()
    expect(events.get('read')).toMatchObject({ warnings: [], features_as_of: [{ writer_id: 'gateway-0', epoch: 1, seq: 9 }] })
    expect(events.get('emptied')).toMatchObject({ features_as_of: [], features_read_at: expect.any(String) })
    for (const id of ['stopped-0', 'stopped-49', 'killed']) {
      expect(events.get(id)).toMatchObject({ status: 'ok', warnings: unread, features_as_of: [] })
      expect(events.get(id)).not.toHaveProperty('features_read_at')
      expect(events.get(id)!.features.find(({ name }) => name === 'sales_1h')).toMatchObject({
        value: 0,
        status: 'defaulted',
        reason: 'store_unavailable',
      })
    }
  })

  it('answers 503 in time where model.yaml says to reject, and answers again when it is back', async () => {
    await start({ on_store_unavailable: 'reject' })
    expect(await warningsOf('read')).toEqual([])
    redis.signal('SIGSTOP')
    const response = await post('refused')
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(errorBody.parse(await response.json()).error.code).toBe('online_store_unavailable')
    redis.signal('SIGCONT')
    await expect.poll(async () => (await post('again')).status, soon).toBe(200)
    expect(await gateway.stop()).toBe(0)
    expect([...(await readEvents()).keys()].toSorted()).toEqual(['again', 'read'])
  })
})
