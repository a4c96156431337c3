import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ServiceError } from '../../contracts/errors.ts'
import { logisticRequest, slowRequest, specOf, turnsFor } from '../testing/onnx-session.ts'
import type { InferenceEngine } from './inference.ts'
import { createOnnxInference } from './inference-onnxruntime.ts'

const slowMs = 100
let engine: InferenceEngine
let turns: number

beforeEach(async () => {
  engine = createOnnxInference({ logger: pino({ level: 'silent' }), threads: 2, maxQueuedRows: 10_000 })
  await engine.load(specOf('logistic', { placement: 'worker' }))
  await engine.load(specOf('slow', { max_batch_rows: 1 }))
  await engine.prepare('logistic', logisticRequest([[1, 2]]))
  turns = await turnsFor(engine, slowMs)
  await engine.prepare('slow', slowRequest(turns))
})
afterEach(() => engine.close())

describe('a slow model that has more to do than it can', () => {
  it('slows itself only', async () => {
    const stop = saturate()
    const latencies: number[] = []
    for (let turn = 0; turn < 150; turn++) {
      const startedAt = performance.now()
      await engine.run(logisticRequest([[1, 2]]))
      latencies.push(performance.now() - startedAt)
      await delay(2)
    }
    await stop()
    // Behind the slow model in one thread the median would be half of its run.
    expect(quantile(latencies, 0.5)).toBeLessThan(slowMs / 10)
    expect(quantile(latencies, 0.9)).toBeLessThan(slowMs / 2)
  })

  it('is taken no more requests than it answers in time, at twice what it can', { timeout: 60_000 }, async () => {
    const budgetMs = slowMs * 6
    const outcomes = await openLoop({ everyMs: slowMs / 2, count: 60, budgetMs })
    const codes = outcomes.map(({ code }) => code)
    expect(codes.filter((code) => code === 'ok').length).toBeGreaterThan(10)
    expect(codes.filter((code) => code === 'overloaded').length).toBeGreaterThan(10)
    // What was taken was taken rightly, but for what the machine's own pauses cost.
    expect(codes.filter((code) => code === 'deadline_exceeded').length).toBeLessThan(outcomes.length / 10)
    const accepted = outcomes.filter(({ code }) => code === 'ok').map(({ elapsedMs }) => elapsedMs)
    expect(quantile(accepted, 0.9)).toBeLessThan(budgetMs * 1.2)
    expect(engine.status().map(({ queuedRows }) => queuedRows)).toEqual([0, 0])
  })
})

/** Keeps the slow model's queue from ever being empty. */
function saturate(): () => Promise<void> {
  let going = true
  const clients = Array.from({ length: 4 }, async () => {
    while (going) await engine.run(slowRequest(turns)).catch(() => {})
  })
  return async () => {
    going = false
    await Promise.all(clients)
  }
}

/** Requests at fixed times, whether or not those before are answered. */
async function openLoop({ everyMs, count, budgetMs }: { everyMs: number; count: number; budgetMs: number }) {
  const outcomes: Promise<{ code: string; elapsedMs: number }>[] = []
  const startedAt = performance.now()
  for (let index = 0; index < count; index++) {
    await delay(Math.max(0, startedAt + index * everyMs - performance.now()))
    outcomes.push(outcomeOf(budgetMs))
  }
  return Promise.all(outcomes)
}

async function outcomeOf(budgetMs: number): Promise<{ code: string; elapsedMs: number }> {
  const startedAt = performance.now()
  const deadlineAtMs = Date.now() + budgetMs
  const code = await engine.run(slowRequest(turns, { deadlineAtMs })).then(
    () => 'ok',
    (error: unknown) => (error instanceof ServiceError ? error.code : String(error)),
  )
  return { code, elapsedMs: performance.now() - startedAt }
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0
}
