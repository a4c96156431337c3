import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import { logisticOf, logisticRequest, slowRequest, specOf, turnsFor } from '../testing/onnx-session.ts'
import type { InferenceEngine } from './inference.ts'
import { createOnnxInference } from './inference-onnxruntime.ts'
import { casesOf } from '../../test/testing/full-run.ts'

let engine: InferenceEngine
afterEach(() => engine.close())

async function start(options: { threads?: number; placement?: 'worker' | 'inline' } = {}): Promise<void> {
  engine = createOnnxInference({ logger: pino({ level: 'silent' }), maxQueuedRows: 1000, threads: options.threads ?? 2 })
  await engine.load(specOf('logistic', { placement: options.placement ?? 'worker' }))
  await engine.prepare('logistic', logisticRequest([[1, 2]]))
}

/** Loads a version, runs it, and unloads it. */
async function swap(id: string, placement: 'worker' | 'inline'): Promise<void> {
  await engine.load({ ...specOf('logistic', { placement }), id })
  await engine.prepare(id, logisticRequest([[1, 2]]))
  await engine.run(logisticRequest([[1, 2]], { sessionId: id }))
  await engine.unload(id)
}

describe('unloading a session', () => {
  it('leaves the others, and is over for it', async () => {
    await start()
    await swap('next', 'worker')
    await expect(engine.run(logisticRequest([[1, 2]], { sessionId: 'next' }))).rejects.toMatchObject({ code: 'inference_failed' })
    const { tensors } = await engine.run(logisticRequest([[1, 2]]))
    expect(tensors['probability']?.data[0]).toBeCloseTo(logisticOf([1, 2]), 6)
    expect(engine.status().map(({ sessionId }) => sessionId)).toEqual(['logistic'])
  })

  it('lets a run under way finish', async () => {
    await start()
    await engine.load(specOf('slow'))
    const turns = await turnsFor(engine, 300)
    const run = engine.run(slowRequest(turns))
    const unloaded = engine.unload('slow')
    expect((await run).tensors['result']?.data).toHaveLength(1)
    await unloaded
  })

  it('fails what only waits for it', async () => {
    await start({ threads: 1 })
    await engine.load(specOf('slow', { max_batch_rows: 1 }))
    const turns = await turnsFor(engine, 100)
    const first = engine.run(slowRequest(turns))
    const second = engine.run(slowRequest(turns)).catch((error: unknown) => error)
    await engine.unload('slow')
    expect(await second).toMatchObject({ code: 'inference_failed' })
    await first
  })

  it.each([
    ['worker', casesOf({ few: 15, all: 50 })],
    ['inline', 15],
  ] as const)('costs other sessions no request and leaves memory flat (%s, %i times)', async (placement, swaps) => {
    await start({ placement, threads: 1 })
    const load = startLoad()
    const rss: number[] = []
    for (let turn = 0; turn < swaps; turn++) {
      await swap(`version-${turn}`, placement)
      rss.push(process.memoryUsage.rss())
    }
    expect(await load.stop()).toEqual([])
    const growth = middleOf(rss.slice(-5)) / middleOf(rss.slice(5, 10)) - 1
    expect(growth).toBeLessThan(0.15)
  })
})

/** Requests without pause until `stop`, which gives those that failed. */
function startLoad() {
  let going = true
  const failures: unknown[] = []
  const client = (async () => {
    while (going) {
      await engine.run(logisticRequest([[1, 2]])).catch((error: unknown) => failures.push(error))
      await delay(1)
    }
  })()
  return {
    async stop() {
      going = false
      await client
      return failures
    },
  }
}

function middleOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
