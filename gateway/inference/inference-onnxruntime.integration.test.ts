import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { specOf } from '../testing/onnx-session.ts'
import type { InferenceEngine } from './inference.ts'
import { createOnnxInference } from './inference-onnxruntime.ts'

const logger = pino({ level: 'silent' })
const soon = () => Date.now() + 10_000
let engine: InferenceEngine | undefined
afterEach(() => engine?.close())

function start(options: { workerUrl?: URL; threads?: number } = {}): InferenceEngine {
  return (engine = createOnnxInference({ logger, maxQueuedRows: 1000, threads: 2, ...options }))
}

const rows = (values: number[]) => ({ x: { type: 'float32', dims: [values.length / 2, 2], data: Float32Array.from(values) } }) as const
const runLogistic = (values: number[]) =>
  engine!.run({ sessionId: 'logistic', inputs: rows(values), rows: values.length / 2, outputs: ['probability'], deadlineAtMs: soon() })
const sigmoid = (score: number) => 1 / (1 + Math.exp(-score))

describe('inference in a worker thread', () => {
  it('runs all rows at once and keeps their order', async () => {
    await start().load(specOf('logistic'))
    const { tensors, runUs } = await runLogistic([1, 2, 0, 0, 4, -1])
    expect(tensors['probability']?.dims).toEqual([3, 1])
    const expected = [sigmoid(0.1), sigmoid(0.1), sigmoid(2.35)]
    for (const [row, value] of expected.entries()) expect(tensors['probability']?.data[row]).toBeCloseTo(value, 6)
    expect(runUs).toBeGreaterThan(0)
  })

  it("tells a file's own tensors", async () => {
    const info = await start().load(specOf('echo'))
    expect(info.inputs.map(({ name, type, shape }) => [name, type, shape])).toEqual([
      ['text', 'string', [-1]],
      ['whole', 'int64', [-1]],
      ['small', 'int32', [-1]],
      ['precise', 'float64', [-1]],
      ['flag', 'bool', [-1]],
    ])
  })

  it('hands every element type through', async () => {
    await start().load(specOf('echo'))
    const dims = [2]
    const { tensors } = await engine!.run({
      sessionId: 'echo',
      inputs: {
        text: { type: 'string', dims, data: ['SFO', 'Zürich'] },
        whole: { type: 'int64', dims, data: BigInt64Array.from([9_007_199_254_740_991n, -1n]) },
        small: { type: 'int32', dims, data: Int32Array.from([7, -7]) },
        precise: { type: 'float64', dims, data: Float64Array.from([0.1, Number.NaN]) },
        flag: { type: 'bool', dims, data: Uint8Array.from([1, 0]) },
      },
      rows: 2,
      outputs: ['text_out', 'whole_out', 'small_out', 'precise_out', 'flag_out'],
      deadlineAtMs: soon(),
    })
    expect(tensors['text_out']?.data).toEqual(['SFO', 'Zürich'])
    expect([...tensors['whole_out']!.data]).toEqual([9_007_199_254_740_991n, -1n])
    expect([...tensors['small_out']!.data]).toEqual([7, -7])
    expect([...tensors['precise_out']!.data]).toEqual([0.1, Number.NaN])
    expect([...tensors['flag_out']!.data]).toEqual([1, 0])
  })

  it('refuses a file whose bytes are not those of the manifest', async () => {
    await expect(start().load({ ...specOf('logistic'), modelSha256: '0'.repeat(64) })).rejects.toMatchObject({
      code: 'inference_failed',
      message: expect.stringContaining('changed') as string,
    })
  })

  it('refuses a file that is no model, and serves the others', async () => {
    const noModel = fileURLToPath(new URL('../testing/fixtures/make_models.py', import.meta.url))
    await start().load(specOf('logistic'))
    const spec = { ...specOf('logistic'), id: 'broken', modelFile: noModel, modelSha256: sha256Hex(readFileSync(noModel)) }
    await expect(engine!.load(spec)).rejects.toMatchObject({ code: 'inference_failed' })
    await expect(runLogistic([1, 2])).resolves.toBeDefined()
  })

  it('drops work whose deadline has passed before it starts', async () => {
    await start().load(specOf('logistic'))
    const late = engine!.run({
      sessionId: 'logistic',
      inputs: rows([1, 2]),
      rows: 1,
      outputs: ['probability'],
      deadlineAtMs: Date.now() - 1,
    })
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' })
  })

  it('keeps the event loop free while a model computes', async () => {
    await start().load(specOf('slow'))
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    const turns = { type: 'int64', dims: [1], data: BigInt64Array.from([200_000n]) } as const
    await engine!.run({ sessionId: 'slow', inputs: { turns }, rows: 1, outputs: ['result'], deadlineAtMs: soon() })
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(10)
  })

  it('reports a run that the model refuses', async () => {
    await start().load(specOf('logistic'))
    const wrong = { x: { type: 'float32', dims: [1, 3], data: Float32Array.from([1, 2, 3]) } } as const
    const run = engine!.run({ sessionId: 'logistic', inputs: wrong, rows: 1, outputs: ['probability'], deadlineAtMs: soon() })
    await expect(run).rejects.toMatchObject({ code: 'inference_failed' })
  })

  it('fails the runs of a thread that ends, then starts it again with every model', async () => {
    start({ workerUrl: new URL('../testing/crashing-worker.ts', import.meta.url), threads: 1 })
    await engine!.load(specOf('logistic'))
    await engine!.load({ ...specOf('logistic'), id: 'crash' })
    const crash = engine!.run({ sessionId: 'crash', inputs: rows([1, 2]), rows: 1, outputs: ['probability'], deadlineAtMs: soon() })
    await expect(crash).rejects.toMatchObject({ code: 'inference_failed' })
    expect(engine!.healthy()).toBe(false)
    await expect.poll(() => engine!.healthy()).toBe(true)
    const { tensors } = await runLogistic([1, 2])
    expect(tensors['probability']?.data[0]).toBeCloseTo(sigmoid(0.1), 6)
  })
})
