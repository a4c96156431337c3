import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ChildService, startChildService } from '../bin/supervisor/child-service.ts'
import { writeTestProject } from '../gateway/testing/write-test-project.ts'
import { addSlowModel } from '../loadtest/run/slow-model.ts'
import { openLmdbOnlineStore } from '../platform/online-store/online-store-lmdb.ts'

let root: string
let gateway: ChildService

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hindsight-overdue-'))
  const projectDir = join(root, 'project')
  await writeTestProject(projectDir)
  addSlowModel(projectDir, { label: 'returned' })
  const dataDir = join(root, 'data')
  await openLmdbOnlineStore({ dir: join(dataDir, 'online-store') }).close()
  const env = {
    ...process.env,
    HINDSIGHT_PROJECT_DIR: projectDir,
    HINDSIGHT_DATA_DIR: dataDir,
    HINDSIGHT_PORT: '0',
    HINDSIGHT_ADMIN_PORT: '0',
    CLICKHOUSE_URL: 'http://127.0.0.1:1',
  }
  gateway = startChildService({ service: 'gateway', entry: 'gateway/main.ts', env: () => env, logDir: root, onEvent: () => undefined })
  await gateway.started
})
afterEach(async () => {
  gateway.kill()
  await rm(root, { recursive: true, force: true })
})

it('a run that does not end is answered for in time, takes no other model along, and does not hold up the drain', async () => {
  const { addresses, admin } = gateway.state()
  const { http } = addresses
  const ask = (path: string, method: string, body?: object) =>
    fetch(path, { method, headers: { 'content-type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) })
  const endless = await ask(`${http}/v1/models/slow/predict`, 'POST', { features: { turns: 1e9 }, options: { timeout_ms: 300 } })
  expect(endless.status).toBe(504)
  // Another model's deployment changes, with a version unloaded, and loaded again.
  for (const champion of ['2', '1']) {
    const change = { champion, loaded: 'deployed', reason: 'to and fro' }
    expect((await ask(`${admin}/v1/models/basket/deployment`, 'PUT', change)).status).toBe(200)
  }
  await expect.poll(async () => (await ask(`${http}/v2/models/slow/ready`, 'GET')).status).toBe(503)
  expect((await ask(`${http}/v2/models/basket/ready`, 'GET')).status).toBe(200)
  const refused = await ask(`${http}/v1/models/slow/predict`, 'POST', { features: { turns: 1 } })
  expect([refused.status, ((await refused.json()) as { error: { code: string } }).error.code]).toEqual([503, 'overloaded'])
  expect(await gateway.stop(180_000)).toEqual({ kind: 'drained' })
})
