import { pino } from 'pino'
import { describe, expect, it, vi } from 'vitest'
import { predictionFateV1 } from '../../contracts/prediction-fate.ts'
import { createIdFactory } from '../ids.ts'
import { createMemoryEventLog } from '../testing/memory-event-log.ts'
import { createFates, type FatedPrediction } from './fates.ts'

const retention = '2028-01-01T00:00:00.000Z'
let minted = 0
const prediction = (): FatedPrediction => ({
  prediction_id: `01a205fe-5ee6-744f-9282-${String(++minted).padStart(12, '0')}`,
  tenant: 'default',
  model: 'm',
  retention_until: retention,
})

function setUp() {
  const log = createMemoryEventLog()
  const counted: unknown[] = []
  const metrics = {
    unanswered: (labels: object, count: number) => void counted.push({ ...labels, count }),
    delivered: (labels: object, count: number) => void counted.push({ ...labels, delivered: count }),
  }
  const fates = createFates({
    ...log,
    metrics,
    logger: pino({ level: 'silent' }),
    now: () => Date.UTC(2026, 0, 1),
    newId: createIdFactory(),
  })
  const append = async (...predictions: FatedPrediction[]) =>
    fates.append(
      predictions.map(({ prediction_id: id }) => ({ kind: 'event', id, payload: '{}', awaitsFate: true })),
      { durability: 'disk' },
    )
  const records = () =>
    log.appended.filter(({ kind }) => kind === 'fate').map(({ body, id }) => ({ ...predictionFateV1.parse(body), record: id }))
  const told = () => records().map(({ prediction_id: id, fate, reason }) => [id, fate, ...(reason === undefined ? [] : [reason])])
  const said = () => log.appended.map(({ kind, settledThrough }) => [kind, settledThrough])
  return { log, fates, append, records, told, said, counted }
}

describe('what was answered', () => {
  it('has no record: what is appended next says it', async () => {
    const { fates, append, told, said } = setUp()
    const [one, two] = [prediction(), prediction()]
    const origins = await append(one, two)
    fates.answered(one, origins[0]!)
    fates.answered(two, origins[1]!)
    await append(prediction())
    expect(told()).toEqual([])
    expect(said().at(-1)).toEqual(['event', 2])
  })

  it('is said by one record when no append comes, about all of them, and once', async () => {
    vi.useFakeTimers()
    try {
      const { fates, append, told, said } = setUp()
      fates.start()
      const [one, two, late] = [prediction(), prediction(), prediction()]
      const origins = await append(one, two, late)
      fates.answered(two, origins[1]!)
      fates.answered(one, origins[0]!)
      await vi.advanceTimersByTimeAsync(1_100)
      expect(told()).toEqual([[two.prediction_id, 'answered']])
      expect(said().at(-1)).toEqual(['fate', 2])
      await vi.advanceTimersByTimeAsync(10_000)
      expect(said()).toHaveLength(4)
      fates.answered(late, origins[2]!)
      await vi.advanceTimersByTimeAsync(1_100)
      expect(told().at(-1)).toEqual([late.prediction_id, 'answered'])
      await fates.close({ withinMs: 0 })
    } finally {
      vi.useRealTimers()
    }
  })

  it('has no record while appends go on', async () => {
    vi.useFakeTimers()
    try {
      const { fates, append, told } = setUp()
      fates.start()
      for (let turn = 0; turn < 40; turn++) {
        const one = prediction()
        fates.answered(one, (await append(one))[0]!)
        await vi.advanceTimersByTimeAsync(100)
      }
      expect(told()).toEqual([])
      await fates.close({ withinMs: 0 })
    } finally {
      vi.useRealTimers()
    }
  })

  it('of an epoch that has ended needs a record of its own', async () => {
    const { log, fates, append, told } = setUp()
    const one = prediction()
    const [origin] = await append(one)
    log.eventLog.settle = () => false
    fates.answered(one, origin!)
    await append(prediction())
    expect(told()).toEqual([[one.prediction_id, 'answered']])
  })
})

describe('what was not answered', () => {
  it('goes with the next append, before its events, and holds back what is said until it is durable', async () => {
    const { fates, append, records, said, counted } = setUp()
    const one = prediction()
    const [origin] = await append(one)
    fates.unanswered(one, origin!, 'deadline')
    const origins = await append(prediction())
    expect(said()).toEqual([
      ['event', 0],
      ['fate', 0],
      ['event', 0],
    ])
    expect(origins.map(({ seq }) => seq)).toEqual([3])
    await append(prediction())
    expect(said().at(-1)).toEqual(['event', 2])
    const [record] = records()
    expect(record).toMatchObject({
      prediction_id: one.prediction_id,
      tenant: 'default',
      fate: 'unanswered',
      reason: 'deadline',
      ingested_at: '2026-01-01T00:00:00.000Z',
      retention_until: retention,
    })
    expect(record!.fate_id).toBe(record!.record)
    expect(record!.fate_id).not.toBe(one.prediction_id)
    expect(counted).toEqual([{ model: 'm', reason: 'deadline', count: 1 }])
  })

  it('is recorded without an append, and lost by none that fails', async () => {
    vi.useFakeTimers()
    try {
      const { log, fates, append, told, said } = setUp()
      fates.start()
      const one = prediction()
      const [origin] = await append(one)
      fates.unanswered(one, origin!, 'client_gone')
      const append_ = log.eventLog.append
      log.eventLog.append = () => Promise.reject(new Error('the disk is full'))
      await expect(append(prediction())).rejects.toThrow('the disk is full')
      await vi.advanceTimersByTimeAsync(2_000)
      expect(told()).toEqual([])
      log.eventLog.append = append_
      await vi.advanceTimersByTimeAsync(600)
      expect(told()).toEqual([[one.prediction_id, 'unanswered', 'client_gone']])
      expect(said().at(-1)).toEqual(['fate', 0])
      expect(log.eventLog.settlement('predictions').through).toBe(2)
      await fates.close({ withinMs: 0 })
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('what a replay delivered', () => {
  it('is recorded for each prediction, and called back once all of it is durable', async () => {
    const { fates, append, told, counted } = setUp()
    const stored = vi.fn()
    const [one, two] = [prediction(), prediction()]
    expect(fates.delivered([one, two], stored)).toBe(true)
    expect(stored).not.toHaveBeenCalled()
    await append(prediction())
    expect(stored).toHaveBeenCalledOnce()
    expect(told()).toEqual([
      [one.prediction_id, 'delivered'],
      [two.prediction_id, 'delivered'],
    ])
    expect(counted).toEqual([{ model: 'm', delivered: 2 }])
  })

  it('is not kept where too much waits', async () => {
    const { fates } = setUp()
    expect(fates.delivered(Array.from({ length: 10_001 }, prediction), () => undefined)).toBe(false)
  })
})

describe('close', () => {
  it('waits for answers that are under way, says what became of them, and stops', async () => {
    const { fates, append, told, log } = setUp()
    const [one, two] = [prediction(), prediction()]
    const origins = await append(one, two)
    fates.answered(one, origins[0]!)
    const closed = fates.close({ withinMs: 5_000 })
    setTimeout(() => fates.unanswered(two, origins[1]!, 'client_gone'), 30)
    await closed
    expect(told()).toContainEqual([two.prediction_id, 'unanswered', 'client_gone'])
    expect(log.eventLog.settlement('predictions').through).toBe(log.appended.length)
    expect(log.appended.at(-1)?.settledThrough).toBeGreaterThanOrEqual(1)
  })

  it('does not wait for ever', async () => {
    const { fates, append, told } = setUp()
    await append(prediction())
    await fates.close({ withinMs: 20 })
    expect(told()).toEqual([])
  })
})
