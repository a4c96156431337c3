import { pino } from 'pino'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { logisticOf, logisticRequest, slowRequest, specOf, turnsFor } from '../testing/onnx-session.ts'
import type { InferenceEngine, Sample, SessionSpec } from './inference.ts'
import { createOnnxInference } from './inference-onnxruntime.ts'

const logger = pino({ level: 'silent' })
let engine: InferenceEngine
afterEach(() => engine.close())

const sample = (): Sample => logisticRequest([[1, 2]])

async function start(specs: SessionSpec[], threads = 2): Promise<void> {
  engine = createOnnxInference({ logger, maxQueuedRows: 1000, threads })
  for (const spec of specs) await engine.load(spec)
}

/** Ten requests at once, again and again: each row must come back with its own probability. */
async function holdsItsRows(): Promise<void> {
  const number = fc.float({ min: -8, max: 8, noNaN: true })
  const rows = fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 9 })
  await fc.assert(
    fc.asyncProperty(fc.array(rows, { minLength: 1, maxLength: 10 }), async (requests) => {
      const answers = await Promise.all(requests.map((values) => engine.run(logisticRequest(values))))
      for (const [index, { tensors }] of answers.entries()) {
        const got = [...tensors['probability']!.data]
        expect(got).toHaveLength(requests[index]!.length)
        for (const [row, values] of requests[index]!.entries()) expect(Math.abs(Number(got[row]) - logisticOf(values))).toBeLessThan(1e-6)
      }
    }),
    { numRuns: 60 },
  )
}

describe('a model that computes in a moment', () => {
  it('runs where it was measured to belong, batched, and every row is its own', async () => {
    await start([specOf('logistic')])
    const plan = await engine.prepare('logistic', sample())
    expect(plan).toMatchObject({ batching: true, maxBatchRows: 64 })
    await holdsItsRows()
  })

  it('runs in a thread where model.yaml says so, batched, and every row is its own', async () => {
    await start([specOf('logistic', { placement: 'worker', max_batch_rows: 16 })])
    expect(await engine.prepare('logistic', sample())).toMatchObject({ placement: 'worker', reason: 'model.yaml says so' })
    const sizes = await Promise.all(Array.from({ length: 20 }, () => engine.run(logisticRequest([[1, 2]]))))
    expect(Math.max(...sizes.map(({ batchRows }) => batchRows))).toBeGreaterThan(1)
    await holdsItsRows()
  })

  it('is not sent to the threads when the event loop runs it', async () => {
    await start([specOf('logistic', { placement: 'inline' })])
    expect(await engine.prepare('logistic', sample())).toMatchObject({ placement: 'inline' })
    const run = engine.run(logisticRequest([[1, 2]]))
    expect(engine.status()).toMatchObject([{ sessionId: 'logistic', running: 1, queuedRows: 0 }])
    await run
  })

  it('reports there too what the model refuses, and goes on', async () => {
    await start([specOf('logistic', { placement: 'inline' })])
    await engine.prepare('logistic', sample())
    const wrong = logisticRequest([[1, 2]], { inputs: { x: { type: 'float32', dims: [1, 3], data: Float32Array.of(1, 2, 3) } } })
    await expect(engine.run(wrong)).rejects.toMatchObject({ code: 'inference_failed' })
    await expect(engine.run(logisticRequest([[1, 2]]))).resolves.toBeDefined()
  })
})

it('a model with a loop runs in a thread, however short it was when it was measured', async () => {
  await start([specOf('slow')])
  const plan = await engine.prepare('slow', slowRequest(1))
  expect(plan).toMatchObject({ placement: 'worker' })
  expect(plan.reason).toContain('it has a loop')
})

describe('a slow model', () => {
  it('never runs on the event loop, not even where model.yaml asks for it', async () => {
    await start([specOf('slow', { placement: 'inline', max_batch_rows: 1 })])
    const turns = await turnsFor(engine, 20)
    expect(await engine.prepare('slow', slowRequest(turns))).toMatchObject({
      placement: 'worker',
      reason: expect.stringContaining('us at most') as string,
    })
  })
})

describe('execution providers', () => {
  it('are taken in order, and those that are not there are named with the reason', async () => {
    engine = createOnnxInference({ logger, maxQueuedRows: 1000, threads: 1 })
    const info = await engine.load(specOf('logistic', { execution_providers: ['dml', 'cuda', 'cpu'] }))
    expect(info.executionProvider).toBe('cpu')
    expect(info.passedOver).toEqual([
      expect.stringMatching(/^dml: not in this build of ONNX Runtime, which has cpu/) as string,
      expect.stringMatching(/^cuda: .*libonnxruntime_providers_cuda\.so: cannot open shared object file/) as string,
    ])
  })

  it('refuse a session when none of them works', async () => {
    engine = createOnnxInference({ logger, maxQueuedRows: 1000, threads: 1 })
    await expect(engine.load(specOf('logistic', { execution_providers: ['dml'] }))).rejects.toMatchObject({
      code: 'inference_failed',
      message: expect.stringContaining('dml: not in this build') as string,
    })
  })
})
