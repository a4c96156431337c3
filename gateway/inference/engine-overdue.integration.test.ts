import { pino } from 'pino'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { logisticRequest, slowRequest, specOf, turnsFor } from '../testing/onnx-session.ts'
import type { InferenceEngine } from './inference.ts'
import { createOnnxInference } from './inference-onnxruntime.ts'

const overdueMs = 200
const runMs = 3_000
let engine: InferenceEngine
let turns: number

beforeEach(async () => {
  engine = createOnnxInference({ logger: pino({ level: 'silent' }), threads: 2, maxQueuedRows: 10_000, overdueMs })
  await engine.load(specOf('slow', { placement: 'worker' }))
  turns = await turnsFor(engine, runMs)
})
afterEach(() => engine.close())

const slowStatus = () => engine.status().find(({ sessionId }) => sessionId === 'slow')
const runSlow = () => engine.run(slowRequest(turns, { deadlineAtMs: Date.now() + 50 }))

/** A run that goes on when the rest has been done; on a machine where the rest takes longer, one that is longer still. */
async function runBehindWhich(rest: () => Promise<void>): Promise<ReturnType<typeof runSlow>[]> {
  for (let attempt = 1; ; attempt++, turns *= 2) {
    let ended = false
    const run = runSlow().finally(() => (ended = true))
    await rest()
    // The run is in a list, for it is not to be waited for here.
    if (!ended) return [run]
    expect(attempt).toBeLessThan(5)
  }
}

it('a run that goes on long after its deadline holds up no model that is loaded or unloaded, and its version takes no others until it ends', async () => {
  const [run] = await runBehindWhich(async () => {
    await engine.load(specOf('logistic', { placement: 'worker' }))
    await engine.prepare('logistic', logisticRequest([[1, 2]]))
    await engine.unload('logistic')
  })
  await expect.poll(() => slowStatus()?.overdue).toBe(1)
  await expect(runSlow()).rejects.toMatchObject({ code: 'overloaded' })
  await run
  expect(slowStatus()).toMatchObject({ overdue: 0, running: 0 })
  await engine.run(slowRequest(1))
})

it('closing does not wait for it', async () => {
  const run = runSlow()
  await engine.close()
  expect(engine.holdsProcess()).toBe(true)
  await run
  await expect.poll(() => engine.holdsProcess()).toBe(false)
})
