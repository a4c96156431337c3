import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { errorBody, predictResponse } from '../contracts/http.ts'
import { describeWithSmallDisk, mountSmallDisk, type SmallDisk } from '../platform/outbox/testing/small-disk.ts'
import { openLmdbOnlineStore } from '../platform/online-store/online-store-lmdb.ts'
import { type GatewayProcess, startGatewayProcess } from './testing/gateway-process.ts'
import { readOutbox } from './testing/read-outbox.ts'
import { writeTestProject } from './testing/write-test-project.ts'

const soon = { timeout: 180_000, interval: 50 }

let root: string
let dataDir: string
let gateway: GatewayProcess

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hindsight-gateway-outbox-'))
  dataDir = join(root, 'data')
  await writeTestProject(join(root, 'project'))
  await openLmdbOnlineStore({ dir: join(dataDir, 'online-store') }).close()
})
afterEach(async () => {
  await gateway.stop('SIGKILL')
  await rm(root, { recursive: true, force: true })
})

async function start(env: Record<string, string> = {}): Promise<void> {
  gateway = await startGatewayProcess({ projectDir: join(root, 'project'), dataDir, env })
}

const post = (path: string, body: unknown) =>
  fetch(gateway.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

const predict = () => post('/v1/models/basket/predict', { entities: { shop: 1 }, features: { price: 1 } })

/** About 0.6 MB of events. */
const label = { label: 'returned', request_id: 'r', value_number: 0, event_time: '2001-06-04T12:00:00Z' }
const sendLabels = () => post('/v1/labels', { labels: Array.from({ length: 1_000 }, () => ({ ...label, tags: ['x'.repeat(60)] })) })

async function metricOf(name: string, lane: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text()
  return Number(new RegExp(`^${name}\\{lane="${lane}"\\} (\\S+)$`, 'm').exec(text)?.[1])
}

async function expectUnavailable(response: Response): Promise<void> {
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('1')
  expect(errorBody.parse(await response.json()).error.code).toBe('outbox_unavailable')
}

describe('a gateway whose lane is full', () => {
  it('answers 503 for that lane alone, and serves it again when its consumer has come along', async () => {
    const maxBytes = 16 * 1024 ** 2
    await start({ HINDSIGHT_OUTBOX_MAX_BYTES: String(maxBytes) })
    let accepted = 0
    let refused: Response | undefined
    await expect
      .poll(async () => {
        const response = await sendLabels()
        if (response.status === 202) accepted += 1_000
        else refused = response
        return response.status
      }, soon)
      .toBe(503)
    await expectUnavailable(refused!)
    expect((await predict()).status).toBe(200)
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200)
    expect(await metricOf('hindsight_outbox_bytes', 'labels')).toBeGreaterThan(maxBytes)
    expect(await metricOf('hindsight_outbox_max_bytes', 'labels')).toBe(maxBytes)
    await expect.poll(() => metricOf('hindsight_outbox_depth_records', 'labels'), soon).toBe(accepted)
    expect(await metricOf('hindsight_outbox_age_seconds', 'labels')).toBeGreaterThan(0)
    const stored = await readOutbox(dataDir, { lanes: ['labels'], confirm: true })
    expect(stored).toHaveLength(accepted)
    await expect.poll(async () => (await sendLabels()).status, soon).toBe(202)
    await expect.poll(() => metricOf('hindsight_outbox_bytes', 'labels'), soon).toBeLessThan(maxBytes / 2)
  })

  it('answers 503 when its oldest record has waited too long, and serves it again when that is confirmed', async () => {
    await start({ HINDSIGHT_OUTBOX_MAX_AGE_MS: '500' })
    expect((await post('/v1/labels', label)).status).toBe(202)
    await expect.poll(async () => (await post('/v1/labels', label)).status, soon).toBe(503)
    await expectUnavailable(await post('/v1/labels', label))
    expect(await metricOf('hindsight_outbox_age_seconds', 'labels')).toBeGreaterThan(
      await metricOf('hindsight_outbox_max_age_seconds', 'labels'),
    )
    await readOutbox(dataDir, { lanes: ['labels'], confirm: true })
    await expect.poll(async () => (await post('/v1/labels', label)).status, soon).toBe(202)
  })
})

describeWithSmallDisk('a gateway whose disk is really full', () => {
  let disk: SmallDisk

  beforeEach(async () => {
    await mkdir(join(dataDir, 'outbox'), { recursive: true })
    disk = mountSmallDisk(4096, join(dataDir, 'outbox'))
  })
  afterEach(() => disk.unmount())

  it('answers 503 while it is, serves again by itself, and has stored all that it answered', async () => {
    await start()
    const answered: string[] = []
    const statuses = new Set<number>()
    const load = new AbortController()
    async function client(): Promise<void> {
      while (!load.signal.aborted) {
        const response = await predict()
        statuses.add(response.status)
        if (response.status === 200) answered.push(predictResponse.parse(await response.json()).prediction_id)
        else await expectUnavailable(response)
      }
    }
    const clients = Promise.all(Array.from({ length: 4 }, client))
    try {
      await expect.poll(() => answered.length, soon).toBeGreaterThan(50)
      await disk.fill()
      await expect.poll(() => statuses.has(503), soon).toBe(true)
      expect((await fetch(`${gateway.url}/readyz`)).status).toBe(503)
      await disk.empty()
      await expect.poll(async () => (await fetch(`${gateway.url}/readyz`)).status, soon).toBe(200)
      const before = answered.length
      await expect.poll(() => answered.length, soon).toBeGreaterThan(before + 50)
    } finally {
      load.abort()
      await clients
    }
    expect(await gateway.stop()).toBe(0)
    const stored = new Set((await readOutbox(dataDir)).map(({ id }) => id))
    expect(answered.filter((id) => !stored.has(id))).toEqual([])
    expect([...statuses].toSorted((a, b) => a - b)).toEqual([200, 503])
  })
})
