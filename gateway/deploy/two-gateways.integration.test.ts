import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWithNats, startTestNats, type TestNats } from '../../platform/nats/testing/nats-server.ts'
import { modelDetail } from '../routes/model-schemas.ts'
import { type GatewayProcess, startGatewayProcess } from '../testing/gateway-process.ts'
import { writeTestProject } from '../testing/write-test-project.ts'

const soon = { timeout: 180_000, interval: 50 }

describeWithNats('two gateways with nothing but NATS between them', () => {
  let root: string
  let nats: TestNats
  const gateways: GatewayProcess[] = []
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'hindsight-two-gateways-'))
    nats = await startTestNats()
    await writeTestProject(join(root, 'project'))
  })
  afterEach(async () => {
    await Promise.all(gateways.splice(0).map((gateway) => gateway.stop('SIGKILL')))
    await nats.stop()
    await rm(root, { recursive: true, force: true })
  })

  async function start(name: string): Promise<GatewayProcess> {
    const env = { NATS_URL: nats.url, HINDSIGHT_INFERENCE_THREADS: '1' }
    const gateway = await startGatewayProcess({ projectDir: join(root, 'project'), dataDir: join(root, name), env })
    gateways.push(gateway)
    return gateway
  }

  async function put({ admin }: GatewayProcess, change: object): Promise<number> {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ reason: 'a test', ...change })
    return (await fetch(`${admin}/v1/models/basket/deployment`, { method: 'PUT', headers, body })).status
  }

  async function standingOf({ url }: GatewayProcess): Promise<string> {
    const { deployment } = modelDetail.parse(await (await fetch(`${url}/v1/models/basket`)).json())
    return `${deployment.revision}: ${deployment.champion}`
  }

  it('go by the same deployment, take one of two changes at once, and remember it without NATS', async () => {
    const [one, other] = [await start('one'), await start('other')]
    expect(await put(one, { champion: '2' })).toBe(200)
    await expect.poll(() => standingOf(other), soon).toBe('2: 2')

    const statuses = await Promise.all([one, other].map((gateway, index) => put(gateway, { champion: `${index + 1}`, based_on: 2 })))
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 409])
    const standing = `3: ${statuses.indexOf(200) + 1}`
    for (const gateway of [one, other]) await expect.poll(() => standingOf(gateway), soon).toBe(standing)

    await nats.kill()
    await other.stop()
    const again = await start('other')
    expect(await standingOf(again)).toBe(standing)
    expect(await put(again, { champion: '1' })).toBe(503)
  })
})
