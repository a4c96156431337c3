import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCommitQueue, maxCommitBytes, type CommitQueueOptions, type QueuedEntry } from './commit-queue.ts'

const make = (options: Partial<CommitQueueOptions> = {}) => {
  const commits: { batch: readonly QueuedEntry[]; end: () => void; break: (error: Error) => void }[] = []
  const failures: unknown[] = []
  const queue = createCommitQueue({
    lane: 'labels',
    maxQueuedBytes: Infinity,
    commit: (batch) =>
      new Promise((resolve, reject) => {
        const end = () => {
          for (const entry of batch) entry.resolve([])
          resolve()
        }
        commits.push({ batch, end, break: reject })
      }),
    onFailure: (error) => failures.push(error),
    ...options,
  })
  const add = (bytes: number) => queue.add({ records: [], seal: undefined, durability: 'disk', bytes })
  return { queue, commits, failures, add }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))
const refusal = expect.objectContaining({ code: 'outbox_unavailable' })

it('commits what one turn brings together, and what came during a commit in the next one', async () => {
  const { queue, commits, add } = make()
  const first = [add(1), add(2)]
  await turn()
  const second = [add(3), add(4)]
  await turn()
  expect(commits.map(({ batch }) => batch.map(({ bytes }) => bytes))).toEqual([[1, 2]])
  commits[0]?.end()
  await Promise.all(first)
  await turn()
  expect(commits[1]?.batch.map(({ bytes }) => bytes)).toEqual([3, 4])
  expect(queue.running()).toBeInstanceOf(Promise)
  commits[1]?.end()
  await Promise.all([...second, queue.running()])
  expect(queue.running()).toBeUndefined()
})

it('divides what waits into commits of bounded size, in order, none empty', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 2 * maxCommitBytes }), { minLength: 1, maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(sizes, async (bytes) => {
      const batches: number[][] = []
      const { queue, add } = make({
        commit: async (batch) => {
          batches.push(batch.map((entry) => entry.bytes))
          for (const entry of batch) entry.resolve([])
        },
      })
      await Promise.all(bytes.map(add))
      await queue.running()
      expect(batches.flat()).toEqual(bytes)
      for (const batch of batches) {
        expect(batch.length === 1 || batch.reduce((sum, one) => sum + one, 0) <= maxCommitBytes).toBe(true)
      }
    }),
  )
})

it('refuses what would wait beyond its bound, and takes it once the rest is being committed', async () => {
  const { commits, failures, add } = make({ maxQueuedBytes: 10 })
  const waiting = [add(6), add(4)]
  await expect(add(1)).rejects.toEqual(refusal)
  await turn()
  const next = add(10)
  commits[0]?.end()
  await Promise.all(waiting)
  await turn()
  commits[1]?.end()
  expect(await next).toEqual([])
  expect(failures).toEqual([])
})

it('ends with the first commit that fails: rejects it, what waits and all that follows, and says so once', async () => {
  const { queue, commits, failures, add } = make()
  const refused = [add(1)]
  await turn()
  refused.push(add(2))
  const error = new Error('EIO')
  commits[0]?.break(error)
  for (const one of refused) await expect(one).rejects.toMatchObject({ code: 'outbox_unavailable', cause: error })
  await expect(add(3)).rejects.toEqual(refusal)
  queue.fail(new Error('again'))
  expect(failures).toEqual([error])
  expect(commits).toHaveLength(1)
  expect(queue.running()).toBeUndefined()
})

it('lets the commit under way come to its end when it is told to fail', async () => {
  const { queue, commits, add } = make()
  const under = add(1)
  await turn()
  const waiting = add(2)
  queue.fail(new Error('The disk is gone.'))
  await expect(waiting).rejects.toEqual(refusal)
  commits[0]?.end()
  expect(await under).toEqual([])
  await queue.running()
  await expect(add(3)).rejects.toEqual(refusal)
  expect(commits).toHaveLength(1)
})
