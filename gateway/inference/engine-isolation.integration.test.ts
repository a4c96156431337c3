import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import { logisticRequest, slowRequest, specOf, turnsFor } from '../testing/onnx-session.ts'
import type { InferenceEngine } from './inference.ts'
import { createOnnxInference } from './inference-onnxruntime.ts'

const slowMs = 100
let engine: InferenceEngine
let turns: number
/** The time that a run of the slow model was measured to take. */
let measuredMs: number

beforeEach(async () => {
  engine = createOnnxInference({ logger: pino({ level: 'silent' }), threads: 2, maxQueuedRows: 10_000 })
  await engine.load(specOf('logistic', { placement: 'worker' }))
  await engine.load(specOf('slow', { max_batch_rows: 1 }))
  await engine.prepare('logistic', logisticRequest([[1, 2]]))
  turns = await turnsFor(engine, slowMs)
  measuredMs = (await engine.prepare('slow', slowRequest(turns))).oneRowUs / 1000
})
afterEach(() => engine.close())

describe('a slow model that has more to do than it can', () => {
  it('slows itself only', async () => {
    const load = saturate()
    const answers = 150
    for (let turn = 0; turn < answers; turn++) await engine.run(logisticRequest([[1, 2]]))
    // Behind the slow model in one thread, each answer would wait for a run of it to end.
    expect(await load.stop()).toBeLessThan(answers / 3)
  })

  it('is taken no more requests at once than it answers in time', async () => {
    const requests = 60
    const deadlineAtMs = Date.now() + measuredMs * 6
    const codes = await Promise.all(Array.from({ length: requests }, () => outcomeOf(deadlineAtMs)))
    // All requests come before any run ends, so how many are taken depends on how long a run was measured to take, on this machine and now.
    expect(codes.filter((code) => code === 'overloaded').length).toBeGreaterThanOrEqual(requests - 7)
    expect(codes.filter((code) => !['ok', 'overloaded', 'deadline_exceeded'].includes(code))).toEqual([])
    expect(engine.status().map(({ queuedRows }) => queuedRows)).toEqual([0, 0])
  })
})

/** Keeps the slow model's queue from ever being empty; `stop` gives the runs that ended before. */
function saturate(): { stop(): Promise<number> } {
  let going = true
  let ended = 0
  const clients = Array.from({ length: 4 }, async () => {
    while (going) {
      await engine.run(slowRequest(turns))
      if (going) ended++
    }
  })
  return {
    async stop() {
      going = false
      await Promise.all(clients)
      return ended
    },
  }
}

function outcomeOf(deadlineAtMs: number): Promise<string> {
  return engine.run(slowRequest(turns, { deadlineAtMs })).then(
    () => 'ok',
    (error: unknown) => (error instanceof ServiceError ? error.code : String(error)),
  )
}
