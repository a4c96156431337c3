import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { predictResponse } from '../../contracts/http.ts'
import { modelDetail, type ModelDetail } from '../routes/model-schemas.ts'
import { type GatewayProcess, startGatewayProcess } from '../testing/gateway-process.ts'
import { writeTestProject } from '../testing/write-test-project.ts'

const soon = { timeout: 180_000, interval: 100 }

/** The tests make one change after the other, to the same gateway. */
describe('a gateway whose project folder changes', () => {
  let root: string
  let projectDir: string
  let gateway: GatewayProcess
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'hindsight-watch-'))
    projectDir = join(root, 'project')
    await writeTestProject(projectDir)
    gateway = await startGatewayProcess({ projectDir, dataDir: join(root, 'data') })
  })
  afterAll(async () => {
    await gateway.stop('SIGKILL')
    await rm(root, { recursive: true, force: true })
  })

  async function shown(): Promise<ModelDetail> {
    return modelDetail.parse(await (await fetch(`${gateway.url}/v1/models/basket`)).json())
  }

  const served = async () => (await shown()).versions.map(({ version }) => version)

  async function writeManifest(version: string): Promise<void> {
    await mkdir(join(projectDir, 'basket', version), { recursive: true })
    const manifest = await readFile(join(projectDir, 'basket/2/manifest.yaml'), 'utf8')
    await writeFile(join(projectDir, 'basket', version, 'manifest.yaml'), manifest.replace(/^version: .*$/m, `version: "${version}"`))
  }

  const copyModel = (version: string) =>
    copyFile(join(projectDir, 'basket/2/model.onnx'), join(projectDir, 'basket', version, 'model.onnx'))

  it('takes a version that came in two pieces, and says meanwhile what is wrong with it', async () => {
    await writeManifest('6')
    await expect.poll(async () => (await shown()).refused.map(({ version }) => version), soon).toContain('6')
    expect(await served()).toEqual(['1', '2'])
    await copyModel('6')
    await expect.poll(served, soon).toEqual(['1', '2', '6'])
    const body = { entities: { shop: '7' }, features: { price: 1 }, options: { version: '6' } }
    const answer = await fetch(`${gateway.url}/v1/models/basket/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(predictResponse.parse(await answer.json())).toMatchObject({ model_version: '6', route: 'pinned' })
  })

  it('deploys a version that was copied just now', async () => {
    await writeManifest('7')
    await copyModel('7')
    const response = await fetch(`${gateway.admin}/v1/models/basket/deployment`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ champion: '7', reason: 'a test' }),
    })
    expect(response.status, await response.clone().text()).toBe(200)
    expect(await shown()).toMatchObject({ champion: '7', deployment: { revision: 2, author: 'local' } })
  })

  it('goes by a deployment.yaml of a higher revision', async () => {
    await writeFile(join(projectDir, 'basket/deployment.yaml'), "revision: 9\nchampion: '2'\nchallengers: [{version: '1', weight: 0.25}]\n")
    await expect.poll(async () => (await shown()).deployment, soon).toMatchObject({ revision: 9, champion: '2' })
  })
})
