import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { predictBatchResponse, predictResponse } from '../contracts/http.ts'
import { predictionEventV1 } from '../contracts/prediction-event.ts'
import { flightRequest } from '../test/testing/flight-requests.ts'
import { casesOf } from '../test/testing/full-run.ts'
import { writePatientProject } from '../test/testing/patient-project.ts'
import { type ModelDetail, modelDetail } from './routes/model-schemas.ts'
import { type GatewayProcess, startGatewayProcess } from './testing/gateway-process.ts'
import { perceptron, perceptronFeatures } from './testing/perceptron.ts'
import { startPredictLoad } from './testing/predict-load.ts'
import { bodyOf, readOutbox } from './testing/read-outbox.ts'
import { describeWithGpu, noGpu, softwareGpu } from './testing/software-gpu.ts'
import { writeOnnxProject } from './testing/write-onnx-model.ts'
import { writeTestProject } from './testing/write-test-project.ts'

const inference = { execution_providers: ['webgpu', 'cpu'] }
const batchSizes = [1, 2, 7, 64, 200]
const tolerance = 1e-4

/** What a row of each model is asked. The trees of one have no kernels on a GPU, only what follows them has. */
const instanceOf = {
  'flight-delay': (row: number) => {
    const { request_id: _, ...instance } = flightRequest(row)
    return instance
  },
  perceptron: (row: number) => ({ features: perceptronFeatures(row) }),
}
type Model = keyof typeof instanceOf
const models = Object.keys(instanceOf) as Model[]

let root: string
let gateways: GatewayProcess[]
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hindsight-webgpu-'))
  gateways = []
})
afterEach(async () => {
  for (const gateway of gateways) await gateway.stop('SIGKILL')
  await rm(root, { recursive: true, force: true })
})

async function start(projectDir: string, { name, env }: { name: string; env: Record<string, string> }): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess({ projectDir, dataDir: join(root, name), env: { HINDSIGHT_INFERENCE_THREADS: '3', ...env } })
  gateways.push(gateway)
  return gateway
}

async function writeTwoModels(): Promise<string> {
  const projectDir = writePatientProject(root)
  await writeOnnxProject(projectDir, [{ ...perceptron, definition: { inference } }])
  await preferGpu(projectDir, 'flight-delay')
  return projectDir
}

async function preferGpu(projectDir: string, model: string, settings: object = {}): Promise<void> {
  const file = join(projectDir, model, 'model.yaml')
  const definition = parse(await readFile(file, 'utf8')) as object
  await writeFile(file, stringify({ ...definition, inference: { ...inference, ...settings } }))
}

async function post(gateway: GatewayProcess, model: string, body: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${gateway.url}/v1/models/${model}/predict`, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(response.status, await response.clone().text()).toBe(200)
  return response.json()
}

/** The first output of each row of one request. */
async function predict(gateway: GatewayProcess, model: Model, rows: number): Promise<number[]> {
  const instances = Array.from({ length: rows }, (_, row) => instanceOf[model](row))
  const { predictions } = predictBatchResponse.parse(await post(gateway, model, { instances }))
  return predictions.map((prediction) => Number(Object.values(predictResponse.parse(prediction).outputs)[0]))
}

async function inferenceOf(gateway: GatewayProcess, model: string): Promise<ModelDetail['versions'][number]['inference']> {
  const { versions } = modelDetail.parse(await (await fetch(`${gateway.url}/v1/models/${model}`)).json())
  return versions[0]!.inference
}

async function providersOfEvents(name: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const record of await readOutbox(join(root, name), { lanes: ['predictions'] })) {
    const { model, route, execution_provider } = predictionEventV1.parse(bodyOf(record))
    if (route === 'shadow') continue
    const key = `${model} on ${execution_provider}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

describeWithGpu('webgpu', () => {
  it('answers what cpu answers, in batches of any size, and every event says which it was', async () => {
    const projectDir = await writeTwoModels()
    const gpu = await start(projectDir, { name: 'gpu', env: softwareGpu })
    const cpu = await start(projectDir, { name: 'cpu', env: noGpu })
    for (const model of models) {
      expect(await inferenceOf(gpu, model)).toMatchObject({ execution_provider: 'webgpu', passed_over: [], placement: 'worker' })
      for (const rows of batchSizes) {
        const [got, expected] = [await predict(gpu, model, rows), await predict(cpu, model, rows)]
        expect(new Set(expected).size).toBeGreaterThan(Math.min(rows, 8) / 2)
        expect(got).toHaveLength(rows)
        for (const [row, value] of got.entries())
          expect(Math.abs(value - expected[row]!), `${model}, row ${row} of ${rows}`).toBeLessThan(tolerance)
      }
    }
    expect(await Promise.all([gpu.stop(), cpu.stop()])).toEqual([0, 0])
    const rows = batchSizes.reduce((sum, size) => sum + size, 0)
    expect(await providersOfEvents('gpu')).toMatchObject({ 'flight-delay on webgpu': rows, 'perceptron on webgpu': rows })
    expect(await providersOfEvents('cpu')).toMatchObject({ 'flight-delay on cpu': rows, 'perceptron on cpu': rows })
  })

  it('is passed over for cpu where there is no device, and the reason can be read', async () => {
    const gateway = await start(await writeTwoModels(), { name: 'none', env: noGpu })
    for (const model of models) {
      const { execution_provider, passed_over } = await inferenceOf(gateway, model)
      expect(execution_provider).toBe('cpu')
      expect(passed_over).toEqual([expect.stringMatching(/^webgpu: .*Failed to get a WebGPU adapter/) as string])
    }
    expect(await gateway.stop()).toBe(0)
  })

  it('serves models and requests at once from several threads, whose calls would end the process together', async () => {
    const gateway = await start(await writeTwoModels(), { name: 'busy', env: softwareGpu })
    const alone = new Map<Model, number[]>()
    for (const model of models) alone.set(model, await predict(gateway, model, 16))
    const clients = models.flatMap((model) => Array.from({ length: 4 }, () => model))
    await Promise.all(
      clients.map(async (model) => {
        for (let turn = 0; turn < 25; turn++) {
          const got = await predict(gateway, model, 16)
          for (const [row, value] of got.entries()) expect(value).toBeCloseTo(alone.get(model)![row]!, 5)
        }
      }),
    )
    expect(await gateway.stop()).toBe(0)
  })

  it('keeps off the event loop, whatever model.yaml says', async () => {
    const projectDir = await writeTwoModels()
    await preferGpu(projectDir, 'perceptron', { placement: 'inline' })
    const gateway = await start(projectDir, { name: 'inline', env: softwareGpu })
    expect(await inferenceOf(gateway, 'perceptron')).toMatchObject({
      placement: 'worker',
      reason: expect.stringContaining('webgpu') as string,
    })
  })

  const swaps = casesOf({ few: 15, all: 50 })
  it(`swaps versions ${swaps} times under load: no request fails, and memory stays`, async () => {
    const projectDir = join(root, 'project')
    await writeTestProject(projectDir)
    await preferGpu(projectDir, 'basket')
    const gateway = await start(projectDir, { name: 'swaps', env: { ...softwareGpu, HINDSIGHT_INFERENCE_THREADS: '2' } })
    const { pid } = (await (await fetch(`${gateway.admin}/status`)).json()) as { pid: number }
    const body = { entities: { shop: '7' }, features: { price: 1 } }
    const load = startPredictLoad({ url: gateway.url, model: 'basket', body, clients: 2 })
    const rssKb: number[] = []
    for (let turn = 0; turn < swaps; turn++) {
      await swapTo(gateway, turn % 2 === 0 ? '2' : '1')
      await load.answered(20)
      rssKb.push(residentKb(pid))
    }
    const { answers, failures } = await load.stop()
    expect(failures).toEqual([])
    expect(await gateway.stop()).toBe(0)
    expect(Object.keys(await providersOfEvents('swaps'))).toEqual(['basket on webgpu'])
    const [early, late] = [middleOf(rssKb.slice(5, 10)), middleOf(rssKb.slice(-5))]
    process.stdout.write(`${swaps} swaps on webgpu, ${answers.size} answers: ${early} kB after 5, ${late} kB at the end\n`)
    expect(late / early - 1).toBeLessThan(0.25)
  })
})

async function swapTo(gateway: GatewayProcess, champion: string): Promise<void> {
  const response = await fetch(`${gateway.admin}/v1/models/basket/deployment`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ champion, loaded: 'deployed', reason: 'a test' }),
  })
  expect(response.status, await response.clone().text()).toBe(200)
}

function residentKb(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }))
}

function middleOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
