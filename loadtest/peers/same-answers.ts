import { predictBody } from '../logger/flights.ts'
import { toFirstRow } from './features.ts'
import type { Subject } from './result.ts'

const tolerance = 1e-6

type Flight = { entities: { origin: string; destination: string }; features: { distance: number } }
type V1Answer = { outputs?: { probability_late?: number }; degraded?: unknown }
type V2Answer = { outputs?: { name: string; data: number[] }[] }

/** The first flight's inputs as a tensor of the Open Inference Protocol. */
export function toV2Body(): string {
  const { entities, features } = JSON.parse(predictBody(0)) as Flight
  return JSON.stringify({
    inputs: [{ name: 'features', shape: [1, 9], datatype: 'FP32', data: toFirstRow({ ...entities, ...features }) }],
  })
}

/** Throws unless all have the same model: one flight, the same probability, with its features from Redis or as they are sent. */
export async function checkSameAnswers(urls: Record<Exclude<Subject, 'hindsight'>, string>): Promise<void> {
  const expected = await askV2(urls['hindsight-v2'])
  const answers = { mlserver: await askV2(urls.mlserver), fastapi: await askV1(urls.fastapi), bentoml: await askV1(urls.bentoml) }
  for (const [name, probability] of Object.entries(answers)) {
    if (!(Math.abs(probability - expected) <= tolerance)) throw new Error(`${name} answers ${probability}, Hindsight ${expected}`)
  }
}

async function askV1(url: string): Promise<number> {
  const answer = (await post(url, predictBody(0))) as V1Answer
  return answer.outputs?.probability_late ?? Number.NaN
}

async function askV2(url: string): Promise<number> {
  const answer = (await post(url, toV2Body())) as V2Answer
  return answer.outputs?.find(({ name }) => name === 'probabilities')?.data[1] ?? Number.NaN
}

async function post(url: string, body: string): Promise<unknown> {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}
