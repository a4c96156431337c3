import { describe, expect, it } from 'vitest'
import { predictBatchResponse } from '../../contracts/http.ts'
import { predictionEventV1 } from '../../contracts/prediction-event.ts'
import type { RunRequest } from '../inference/inference.ts'
import { RunFault } from '../inference/inference-thread.ts'
import { createTestGateway } from '../testing/test-gateway.ts'
import type { Predicted, PredictInput } from './prediction.ts'

const path = '/v1/models/parcel-delay/predict'
const patient = { definition: { latency_budget_ms: 60_000 }, deployment: { shadows: [] } }
const weighing = (weight: number, depot = 'BER') => ({ entities: { depot }, anchor: 'sent', features: { weight } })

type Gateway = Awaited<ReturnType<typeof createTestGateway>>

async function start(options: Parameters<typeof createTestGateway>[0] = {}): Promise<Gateway> {
  const gateway = await createTestGateway({ ...patient, ...options })
  gateway.online.put('BER', '45')
  gateway.engine.runs.length = 0
  return gateway
}

/** Asks as a caller does whose requests have all been read in this turn of the event loop. */
function ask(
  gateway: Gateway,
  body: { entities: Record<string, string>; anchor: string; features: Record<string, number> },
  more: Partial<PredictInput> = {},
) {
  const times = { receivedAtMs: Date.now(), receivedTick: performance.now() }
  const who = { requestId: 'r', requestIdGiven: false, tenant: 'default' }
  return gateway.predict(gateway.models.get('parcel-delay')!, { instances: [body], batch: false, options: {}, ...who, ...times, ...more })
}

const probabilityOf = ([predicted]: readonly Predicted[]) => predicted?.event.outputs['probability']

function eventsOf({ log }: Gateway) {
  return log.inLane('predictions').map(({ body }) => predictionEventV1.parse(body))
}

describe('requests that come in one turn', () => {
  // On a clock that stands still a turn's work is never cut off.
  const startInTurn = () => {
    const tick = performance.now()
    return start({ tick: () => tick })
  }

  it('share one read, one run and one append, and each has its own answer', async () => {
    const gateway = await startInTurn()
    const answers = await Promise.all([5, 15, 25].map((weight) => ask(gateway, weighing(weight))))
    expect(answers.map(probabilityOf)).toEqual([0.5, 0.6, 0.7])
    expect(gateway.online.reads).toEqual([[{ partition: 0, key: 'BER' }]])
    expect(gateway.engine.runs.map(({ rows }) => rows)).toEqual([3])
    expect(gateway.log.appends().map((records) => records.length)).toEqual([3])
  })

  it('do without each other: one at fault is refused, one whose client is gone leaves, and the run is wanted for the last', async () => {
    const gateway = await startInTurn()
    const runs: { request: RunRequest; answer: () => void }[] = []
    const { run } = gateway.engine.inference
    gateway.engine.inference.run = (request) =>
      new Promise((resolve, reject) => void runs.push({ request, answer: () => void run(request).then(resolve, reject) }))
    let hangUp = () => {}
    const patientOne = ask(gateway, weighing(5))
    const goneOne = ask(gateway, weighing(15), { onHangUp: (listener) => void (hangUp = listener) })
    const wrongOne = ask(gateway, { ...weighing(25), features: { height: 1 } })
    await expect(wrongOne).rejects.toMatchObject({ code: 'missing_feature' })
    await expect.poll(() => runs.length).toBe(1)
    hangUp()
    await expect(goneOne).rejects.toMatchObject({ code: 'cancelled' })
    expect(runs.map(({ request }) => [request.rows, request.cancellation?.reason])).toEqual([[2, undefined]])
    runs[0]!.answer()
    expect(probabilityOf(await patientOne)).toBe(0.5)
    expect(eventsOf(gateway).map(({ features, error_code }) => [features[0]?.value, error_code])).toEqual([
      [15, 'cancelled'],
      [5, undefined],
    ])
  })

  it('are run again one by one when their run fails, so that only the one at fault does', async () => {
    const gateway = await startInTurn()
    const { run } = gateway.engine.inference
    const rows: number[] = []
    gateway.engine.inference.run = (request) => {
      rows.push(request.rows)
      const isPoisoned = (request.inputs['x']!.data as Float32Array).includes(13)
      return isPoisoned ? Promise.reject(new RunFault('poisoned')) : run(request)
    }
    const [first, poisoned, last] = [5, 13, 25].map((weight) => ask(gateway, weighing(weight)))
    await expect(poisoned).rejects.toMatchObject({ code: 'inference_failed' })
    expect([await first!, await last!].map(probabilityOf)).toEqual([0.5, 0.7])
    expect(rows).toEqual([3, 1, 1, 1])
  })

  it('are in separate runs for separate versions', async () => {
    const gateway = await startInTurn()
    const pinned = { options: { version: '3' } }
    await Promise.all([ask(gateway, weighing(1)), ask(gateway, weighing(1), pinned), ask(gateway, weighing(2))])
    expect(gateway.engine.runs.map(({ sessionId, rows }) => [sessionId.slice(-1), rows])).toEqual([
      ['1', 2],
      ['3', 1],
    ])
  })
})

describe('a request of many instances', () => {
  const many = Array.from({ length: 300 }, (_, weight) => weighing(weight % 50))

  it('goes through in parts, is appended whole and answered in order', async () => {
    const gateway = await start()
    const { predictions } = predictBatchResponse.parse(await (await gateway.send(path, { instances: many })).json())
    expect(predictions.map((one) => 'outputs' in one && one.outputs['probability'])).toEqual(
      many.map(({ features }) => (features.weight + 45) / 100),
    )
    expect(Math.max(...gateway.engine.runs.map(({ rows }) => rows))).toBeLessThanOrEqual(64)
    expect(gateway.log.appends().map((records) => records.length)).toEqual([300])
    expect(eventsOf(gateway).map(({ index }) => index)).toEqual(many.map((_, index) => index))
    expect(new Set(eventsOf(gateway).map(({ duration_us: { total } }) => total)).size).toBe(1)
  })

  it('is refused whole for an instance that needs no store, while others wait for one', async () => {
    const gateway = await start()
    gateway.online.hang()
    const alone = Array.from({ length: 64 }, () => ({ entities: {}, anchor: 'sent', features: {} }))
    const response = await gateway.send(path, { instances: [...alone, ...many] })
    expect(await response.json()).toMatchObject({ error: { code: 'missing_feature', path: 'instances[0].features.weight' } })
    expect(eventsOf(gateway)).toEqual([])
  })

  it('is refused whole for its last instance, and nothing is written', async () => {
    const gateway = await start()
    const response = await gateway.send(path, { instances: [...many, { ...weighing(1), features: { height: 1 } }] })
    expect(await response.json()).toMatchObject({ error: { code: 'missing_feature', path: 'instances[300].features.weight' } })
    expect(eventsOf(gateway)).toEqual([])
  })
})
