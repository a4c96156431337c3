import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createCancellation } from '../bounds/cancellation.ts'
import { logisticRequest, specOf } from '../testing/onnx-session.ts'
import { createTestDispatcher, ended } from '../testing/test-dispatcher.ts'

const row = (value: number) => [value, 0] as const
const request = (values: number[], options = {}) => logisticRequest(values.map(row), options)
const valuesOf = (run: { inputs: Record<string, { data: ArrayLike<unknown> }> }) =>
  Array.from(run.inputs['x']!.data).filter((_, index) => index % 2 === 0)

afterEach(() => void vi.useRealTimers())

describe('what waits', () => {
  it('does not wait when a thread is free', () => {
    const { submit, runs } = createTestDispatcher()
    void submit(request([1]))
    expect(runs.map(valuesOf)).toEqual([[1]])
  })

  it('shares the next run, rows counted and those of a request together', async () => {
    const { submit, runs, finish } = createTestDispatcher({ max_batch_rows: 4 })
    const answers = [[1], [2], [3, 4], [5, 6], [7], [8, 9, 10, 11, 12], [13]].map((values) => submit(request(values)))
    for (let turn = 0; turn < 5; turn++) await finish()
    expect(runs.map(valuesOf)).toEqual([[1], [2, 3, 4], [5, 6, 7], [8, 9, 10, 11, 12], [13]])
    expect((await ended(answers[2]!)).batchRows).toBe(3)
  })

  it('each gets its own numbers back, whatever comes when and however runs end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant('finish' as const)), { maxLength: 60 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, max_batch_rows, threads) => {
          const { submit, runs, finish, underWay } = createTestDispatcher({ max_batch_rows }, { threads })
          const answers: Promise<void>[] = []
          let next = 0
          for (const step of steps) {
            if (step === 'finish') await finish()
            else {
              const values = Array.from({ length: step }, () => next++)
              const answer = submit(request(values))
              answers.push(answer.then(({ tensors }) => expect(valuesOf({ inputs: tensors })).toEqual(values)))
            }
          }
          while (underWay() > 0) await finish()
          await ended(Promise.all(answers))
          expect(runs.flatMap(valuesOf).length).toBe(next)
          for (const run of runs) expect(run.rowsOfJobs === 1 || valuesOf(run).length <= Math.max(max_batch_rows, 6)).toBe(true)
        },
      ),
    )
  })

  it('waits for company as long as the settings say, and no longer', () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    const { submit, runs, advance } = createTestDispatcher({ max_batch_rows: 3, max_queue_delay_us: 50_000 })
    void submit(request([1]))
    void submit(request([2]))
    expect(runs).toEqual([])
    advance(49)
    vi.advanceTimersByTime(49)
    expect(runs).toEqual([])
    advance(1)
    vi.advanceTimersByTime(1)
    expect(runs.map(valuesOf)).toEqual([[1, 2]])
  })

  it('does not wait for company once the batch is full', () => {
    const { submit, runs } = createTestDispatcher({ max_batch_rows: 2, max_queue_delay_us: 50_000 })
    void submit(request([1]))
    void submit(request([2]))
    expect(runs.map(valuesOf)).toEqual([[1, 2]])
  })

  it('runs behind all that somebody waits for when nobody waits for it', async () => {
    const { submit, runs, finish } = createTestDispatcher({ max_batch_rows: 1 })
    for (const [value, background] of [[1], [2, true], [3], [4, true], [5]] as const) void submit(request([value], { background }))
    for (let turn = 0; turn < 5; turn++) await finish()
    expect(runs.map(valuesOf)).toEqual([[1], [3], [5], [2], [4]])
  })
})

describe('a run that fails', () => {
  it('is one request’s own fault: those that shared it run again, alone', async () => {
    const { submit, runs, finish, poison } = createTestDispatcher({ max_batch_rows: 8 })
    poison(13)
    const answers = Promise.allSettled([[1], [2], [13], [4]].map((values) => submit(request(values))))
    for (let turn = 0; turn < 6; turn++) await finish()
    expect((await ended(answers)).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(runs.map(valuesOf)).toEqual([[1], [2, 13, 4], [2], [13], [4]])
  })
})

describe('bounds', () => {
  it('refuse what would make the queue too long, but not a large request that finds it empty', async () => {
    const { submit } = createTestDispatcher({ max_queue_rows: 4 })
    void submit(request([0]))
    void submit(request([1, 2, 3, 4, 5, 6]))
    await expect(ended(submit(request([7])))).rejects.toMatchObject({ code: 'overloaded' })
  })

  it('hold over all sessions together', async () => {
    const { submit } = createTestDispatcher(
      {},
      { maxQueuedRows: 3, sessions: [specOf('logistic'), { ...specOf('logistic'), id: 'other' }] },
    )
    void submit(request([0]))
    void submit(request([1, 2]))
    const other = submit(request([3, 4], { sessionId: 'other' }))
    await expect(ended(other)).rejects.toMatchObject({ code: 'overloaded' })
  })

  it('refuse what could not be answered in time, and take what could', async () => {
    const { submit, nowMs } = createTestDispatcher({ max_batch_rows: 1 }, { runUs: 10_000 })
    const by = (ms: number) => ({ deadlineAtMs: nowMs() + ms })
    void submit(request([0], by(1000)))
    void submit(request([1], by(1000)))
    await expect(ended(submit(request([2], by(20))))).rejects.toMatchObject({ code: 'overloaded' })
    void submit(request([3], by(40)))
  })
})

describe('a model that is asked for twice what it can', () => {
  it('answers all that it takes in time, and takes all that it can', async () => {
    const [runMs, budgetMs, requests] = [100, 600, 60]
    const { submit, runs, finish, advance, nowMs } = createTestDispatcher({ max_batch_rows: 1 }, { runUs: runMs * 1000 })
    const codes: Promise<string>[] = []
    for (let half = 0; half < requests; half++) {
      // A run ends at every other half.
      if (half > 0 && half % 2 === 0) await finish()
      const deadlineAtMs = nowMs() + budgetMs
      const inTime = () => (nowMs() <= deadlineAtMs ? 'ok' : 'late')
      codes.push(submit(request([half], { deadlineAtMs })).then(inTime, (error: { code: string }) => error.code))
      advance(runMs / 2)
    }
    for (let turn = 0; turn < budgetMs / runMs; turn++) {
      await finish()
      advance(runMs)
    }
    const outcomes = await ended(Promise.all(codes))
    const taken = outcomes.filter((code) => code === 'ok').length
    expect(outcomes.filter((code) => code === 'overloaded').length).toBe(requests - taken)
    // The taken requests are those whose run ended meanwhile, and at the end as many as a budget has room for behind the beginning of a run.
    expect([runs.length, taken]).toEqual([taken, requests / 2 - 1 + budgetMs / runMs - 1])
  })
})

describe('queued work is dropped', () => {
  it('when it is cancelled, with the reason for that', async () => {
    const { submit, runs, finish } = createTestDispatcher()
    void submit(request([0]))
    const hungUp = createCancellation()
    const dropped = submit(request([1], { cancellation: hungUp }))
    hungUp.cancel(new Error('gone'))
    await expect(ended(dropped)).rejects.toThrow('gone')
    await finish()
    expect(runs).toHaveLength(1)
  })

  it('when its deadline passes', async () => {
    const { submit, runs, finish, advance, nowMs } = createTestDispatcher()
    void submit(request([0]))
    const late = submit(request([1], { deadlineAtMs: nowMs() + 20 })).catch((error: unknown) => error)
    advance(30)
    await finish()
    expect(await ended(late)).toMatchObject({ code: 'deadline_exceeded' })
    expect(runs).toHaveLength(1)
  })
})

describe('threads', () => {
  const two = [specOf('logistic'), { ...specOf('logistic'), id: 'quick' }]

  it('are not all taken by one session', async () => {
    const { submit, runs } = createTestDispatcher({ max_batch_rows: 1 }, { threads: 2, sessions: two })
    for (const value of [1, 2, 3]) void submit(request([value]))
    expect(runs).toHaveLength(1)
    void submit(request([4], { sessionId: 'quick' }))
    expect(runs.map(valuesOf)).toEqual([[1], [4]])
  })

  it('are not all taken by slow sessions together', async () => {
    const slow = ['slow-a', 'slow-b'].map((id) => ({ ...specOf('logistic'), id }))
    const { submit, runs } = createTestDispatcher({}, { threads: 2, sessions: [...two, ...slow], runUs: 100_000, quick: ['quick'] })
    for (const sessionId of ['slow-a', 'slow-b']) void submit(request([1], { sessionId }))
    expect(runs).toHaveLength(1)
    void submit(request([2], { sessionId: 'quick' }))
    expect(runs.map(({ sessionId }) => sessionId)).toEqual(['slow-a', 'quick'])
  })

  it('go to who has waited longest', async () => {
    const { submit, runs, finish, advance } = createTestDispatcher({ max_batch_rows: 1 }, { sessions: two })
    for (const [value, sessionId = 'logistic'] of [[1], [2], [3, 'quick'], [4]] as const) {
      void submit(request([value], { sessionId }))
      advance(1)
    }
    for (let turn = 0; turn < 4; turn++) await finish()
    expect(runs.map(valuesOf)).toEqual([[1], [2], [3], [4]])
  })
})
