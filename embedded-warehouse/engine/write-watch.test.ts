import { expect, test, vi } from 'vitest'
import { createWriteWatch } from './write-watch.ts'

/** A count that answers when told to. */
function countOnDemand() {
  const answers: Array<(failed: number) => void> = []
  return { failedWrites: () => new Promise<number>((resolve) => answers.push(resolve)), answers }
}

test('vouches for nothing once a write has failed, and tells of it once', async () => {
  const onLost = vi.fn<() => void>()
  let failed = 0
  const writes = createWriteWatch({ failedWrites: () => Promise.resolve(failed), onLost })
  await writes.check()
  failed = 1
  await expect(writes.check()).rejects.toMatchObject({ code: 75 })
  failed = 0
  await expect(writes.check()).rejects.toMatchObject({ code: 75 })
  expect(onLost).toHaveBeenCalledTimes(1)
})

test('a count that was being read when a statement ended does not vouch for it', async () => {
  const { failedWrites, answers } = countOnDemand()
  const writes = createWriteWatch({ failedWrites, onLost: () => undefined })
  const first = writes.check()
  const later = [writes.check(), writes.check()].map((check) => expect(check).rejects.toMatchObject({ code: 75 }))
  answers[0]?.(0)
  await first
  await vi.waitFor(() => expect(answers).toHaveLength(2))
  answers[1]?.(1)
  await Promise.all(later)
})

test('a count that cannot be read vouches for nothing, and the next is read all the same', async () => {
  const counts = [Promise.reject(new Error('gone')), Promise.resolve(0)]
  const writes = createWriteWatch({ failedWrites: () => counts.shift() as Promise<number>, onLost: () => undefined })
  const checks = await Promise.allSettled([writes.check(), writes.check()])
  expect(checks.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
})
