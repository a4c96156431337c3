import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { featureEventV1, rejectedItemV1 } from '../contracts/feature-event.ts'
import { predictBatchResponse, predictLimits, predictResponse, type PredictResponse } from '../contracts/http.ts'
import { labelEventV1 } from '../contracts/label-event.ts'
import { predictionEventV1 } from '../contracts/prediction-event.ts'
import { openLmdbOnlineStore } from '../platform/online-store/online-store-lmdb.ts'
import { modelDetail } from './routes/model-schemas.ts'
import { type GatewayProcess, startGatewayProcess } from './testing/gateway-process.ts'
import { bodyOf, readOutbox } from './testing/read-outbox.ts'
import { addBadVersions, probabilityOf, writeTestProject } from './testing/write-test-project.ts'

let root: string
let projectDir: string
let dataDir: string
let gateway: GatewayProcess

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hindsight-gateway-'))
  projectDir = join(root, 'project')
  await writeTestProject(projectDir)
  await addBadVersions(projectDir)
})
afterAll(() => rm(root, { recursive: true, force: true }))

async function createDataDir(name: string): Promise<void> {
  dataDir = join(root, name)
  await openLmdbOnlineStore({ dir: join(dataDir, 'online-store') }).close()
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
  return fetch(gateway.url + path, init)
}

async function predict(price: number, requestId?: string): Promise<PredictResponse> {
  const response = await post('/v1/models/basket/predict', { request_id: requestId, entities: { shop: 7 }, features: { price } })
  expect(response.status).toBe(200)
  return predictResponse.parse(await response.json())
}

describe('a gateway', () => {
  beforeAll(async () => {
    await createDataDir('serving')
    gateway = await startGatewayProcess({ projectDir, dataDir })
  })

  it('serves the good versions, and says what is wrong with each of the others', async () => {
    const model = modelDetail.parse(await (await fetch(`${gateway.url}/v1/models/basket`)).json())
    expect(model.versions.map(({ version }) => version)).toEqual(['1', '2'])
    const reasons = Object.fromEntries(model.refused.map(({ version, reason }) => [version, reason]))
    expect(reasons['3']).toMatch(/golden\[0\]: probability is 0\.52.*recorded is 0\.9/)
    expect(reasons['4']).toMatch(/sha256|hash/i)
    expect(reasons['5']).toMatch(/"?y"?|x/)
  })

  it('is ready, alive, and measured', async () => {
    expect((await fetch(`${gateway.url}/livez`)).status).toBe(200)
    const readiness = await fetch(`${gateway.url}/readyz`)
    const seen: unknown = await readiness.json()
    expect([readiness.status, seen]).toMatchObject([200, { ready: true, views_not_filled: ['shop_sales'] }])
    const admin = await fetch(`${gateway.admin}/readyz`)
    expect([admin.status, await admin.json()]).toEqual([200, seen])
    await predict(1)
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
    expect(metrics).toMatch(/hindsight_predictions_total\{[^}]*model="basket"[^}]*\} [1-9]/)
    expect(metrics).toMatch(/hindsight_predict_stage_duration\w*_bucket\{[^}]*stage="outbox"[^}]*le="0\.5"/)
    expect(metrics).toMatch(/hindsight_outbox_bytes\w*\{lane="predictions"/)
    for (const stage of ['features', 'queue', 'inference', 'outbox', 'total'])
      expect(metrics).toMatch(
        new RegExp(`hindsight_predict_stage_duration_seconds_count\\{model="basket",version="1",stage="${stage}"\\} [1-9]`),
      )
    expect(metrics).toMatch(/hindsight_inference_batch_rows_count\{model="basket",version="1"\} [1-9]/)
    expect(metrics).toMatch(/hindsight_inference_queued_rows\{model="basket",version="1"\} \d/)
    expect(metrics).toMatch(/hindsight_event_loop_lag_seconds_count [1-9]/)
  })

  it('counts what became of requests with a key', async () => {
    const send = (price: number) =>
      post('/v1/models/basket/predict', { entities: { shop: 7 }, features: { price } }, { 'idempotency-key': 'counted' })
    for (const [price, status] of [
      [1, 200],
      [1, 200],
      [2, 422],
    ] as const)
      expect((await send(price)).status).toBe(status)
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
    for (const outcome of ['computed', 'replayed', 'idempotency_mismatch'])
      expect(metrics).toContain(`hindsight_idempotent_requests_total{outcome="${outcome}"} 1\n`)
  })

  it('has its own answers on the admin listener beside the health, and none for a page that comes by another name', async () => {
    expect((await fetch(`${gateway.admin}/livez`)).status).toBe(200)
    expect(await (await fetch(`${gateway.admin}/status`)).json()).toMatchObject({ service: 'gateway', ready: true })
    const unknown = await fetch(`${gateway.admin}/v1/nothing`, { method: 'PUT' })
    expect([unknown.status, ((await unknown.json()) as { error: { code: string } }).error.code]).toEqual([404, 'not_found'])
    expect(unknown.headers.get('x-content-type-options')).toBe('nosniff')
    const { hostname, port } = new URL(gateway.admin)
    const request = get({ hostname, port, path: '/v1/nothing', headers: { host: 'evil.example' } })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(response.resume().statusCode).toBe(403)
  })

  it('answers with what the model computes', async () => {
    const answer = await predict(3, 'r-3')
    expect(answer.outputs['probability']).toBeCloseTo(probabilityOf(3, 0), 6)
    expect(answer).toMatchObject({ model_version: '1', decision: { value: true }, warnings: ['feature sales_1h is defaulted: not_ready'] })
  })

  it('shows which events a windowed feature holds', async () => {
    const model = modelDetail.parse(await (await fetch(`${gateway.url}/v1/models/basket`)).json())
    expect(model.windows).toEqual([{ feature: 'sales_1h', window_seconds: 3600, hop_seconds: 300, interval: '[floor(t - 1 h, 5 min), t)' }])
  })

  it('answers a batch in order', async () => {
    const instances = Array.from({ length: 500 }, (_, price) => ({ entities: { shop: 'a' }, features: { price: price / 10 } }))
    const response = await post('/v1/models/basket/predict', { instances })
    const { predictions } = predictBatchResponse.parse(await response.json())
    for (const [index, one] of predictions.entries())
      expect('outputs' in one && one.outputs['probability']).toBeCloseTo(probabilityOf(index / 10, 0), 6)
  })

  it('refuses what the definitions of the project forbid', async () => {
    const bodies = [
      [{ features: { price: 1001 } }, 'out_of_range', 'features.price'],
      [{ features: {} }, 'missing_feature', 'features.price'],
      [{ features: { price: '1' } }, 'invalid_request', 'features.price'],
      [{ features: { price: 1, prise: 1 } }, 'unknown_feature', 'features.prise'],
      [{ features: { price: 1, sales_1h: 1 } }, 'unknown_feature', 'features.sales_1h'],
      [{ features: { price: 1 }, entities: { constructor: 'x' } }, 'invalid_request', 'entities.constructor'],
    ] as const
    for (const [body, code, path] of bodies) {
      const response = await post('/v1/models/basket/predict', body)
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { code, path } })
    }
  })

  it('refuses a large body at once, and the connection lives on', async () => {
    const large = await post('/v1/models/basket/predict', { tags: ['x'.repeat(predictLimits.bodyBytes)] })
    expect(large.status).toBe(413)
    await predict(1)
  })

  it('answers that the warehouse is away when it is', async () => {
    const { prediction_id: id } = await predict(1)
    const response = await fetch(`${gateway.url}/v1/predictions/${id}`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'warehouse_unavailable' } })
  })

  it('leaves every answer, label and event in the outbox, and ends with 0', async () => {
    await post('/v1/labels', { label: 'returned', request_id: 'r-3', value_number: 0, event_time: '2001-06-04T12:00:00Z' })
    const sale = { event_id: 's-1', keys: { shop: 7 }, values: { amount: 12 }, event_time: '2001-06-04T12:00:00Z' }
    await post('/v1/events/sale', { events: [sale, { ...sale, event_id: 's-2', values: { amount: -1 } }] })
    const answer = await predict(4, 'last')
    expect(await gateway.stop()).toBe(0)
    const records = await readOutbox(dataDir)
    const inLane = (lane: string) => records.filter(({ origin }) => origin.lane === lane)
    const predictions = inLane('predictions').map((record) => predictionEventV1.parse(bodyOf(record)))
    const last = predictions.filter((event) => event.request_id === 'last')
    expect(last.map(({ route }) => route).toSorted()).toEqual(['champion', 'shadow'])
    expect(last.find(({ route }) => route === 'champion')?.prediction_id).toBe(answer.prediction_id)
    expect(new Set(last.map((event) => event.decision_id)).size).toBe(1)
    expect(labelEventV1.parse(bodyOf(inLane('labels')[0]!))).toMatchObject({ label: 'returned', value_number: 0 })
    const [event, reject] = inLane('feature_events')
    expect(featureEventV1.parse(bodyOf(event!))).toMatchObject({ event_id: 's-1', values: { amount: 12 } })
    expect(reject!.kind).toBe('reject')
    expect(rejectedItemV1.parse(bodyOf(reject!))).toMatchObject({ code: 'out_of_range', path: 'values.amount' })
  })
})

describe('a gateway that is killed', () => {
  beforeEach(() => createDataDir('killed'))

  it('has lost nothing that it answered', async () => {
    gateway = await startGatewayProcess({ projectDir, dataDir })
    const answered: string[] = []
    const clients = Array.from({ length: 8 }, async (_, client) => {
      for (let turn = 0; ; turn++) answered.push((await predict(client, `${client}-${turn}`)).prediction_id)
    })
    const ended = Promise.allSettled(clients)
    await expect.poll(() => answered.length).toBeGreaterThan(60)
    await gateway.stop('SIGKILL')
    await ended
    gateway = await startGatewayProcess({ projectDir, dataDir })
    await predict(1, 'after')
    await gateway.stop()
    const stored = new Set((await readOutbox(dataDir)).map(({ id }) => id))
    expect(answered.filter((id) => !stored.has(id))).toEqual([])
  })
})

describe('a gateway that cannot start', () => {
  it('says so when its port is taken', async () => {
    await createDataDir('taken')
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const start = startGatewayProcess({ projectDir, dataDir, env: { HINDSIGHT_PORT: String(port) } })
    await expect(start).rejects.toThrow(`port ${port} on 127.0.0.1 is taken`)
    server.close()
  })

  it('demands a key when it would listen beyond this machine', async () => {
    const start = startGatewayProcess({ projectDir, dataDir: join(root, 'key'), env: { HINDSIGHT_HOST: '0.0.0.0' } })
    await expect(start).rejects.toThrow('needs HINDSIGHT_API_KEY')
  })
})
