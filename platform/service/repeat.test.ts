import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { repeat, type RepeatOptions } from './repeat.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A task that takes `takesMs`, and when its runs began and ended, as `+0 -30`. */
function start(options: Partial<RepeatOptions> & { takesMs?: number; failing?: boolean } = {}) {
  const { takesMs = 30, failing = false, ...others } = options
  const stopping = new AbortController()
  const seen: string[] = []
  const faults: unknown[] = []
  const began = Date.now()
  const note = (sign: string) => seen.push(`${sign}${Date.now() - began}`)
  async function task(): Promise<void> {
    note('+')
    await new Promise((resolve) => setTimeout(resolve, takesMs))
    note('-')
    if (failing) throw new Error('no')
  }
  const repeating = repeat(task, { everyMs: 100, signal: stopping.signal, onFault: (error) => faults.push(error), ...others })
  return { seen, faults, stopping, repeating }
}

test('pauses from the end of one run to the start of the next, so that none overlap', async () => {
  const { seen } = start({ takesMs: 250 })
  await vi.advanceTimersByTimeAsync(699)
  expect(seen).toEqual(['+0', '-250', '+350', '-600'])
})

test('waits before the first run where it is told to', async () => {
  const { seen } = start({ firstAfterMs: 500 })
  await vi.advanceTimersByTimeAsync(640)
  expect(seen).toEqual(['+500', '-530', '+630'])
})

test('asks how long to pause after each run', async () => {
  const pauses = [10, 1_000]
  const { seen } = start({ everyMs: () => pauses.shift() ?? 0 })
  await vi.advanceTimersByTimeAsync(1_050)
  expect(seen).toEqual(['+0', '-30', '+40', '-70'])
})

test('reports a fault, and runs again', async () => {
  const { seen, faults } = start({ failing: true })
  await vi.advanceTimersByTimeAsync(170)
  expect(seen).toEqual(['+0', '-30', '+130', '-160'])
  expect(faults).toEqual([new Error('no'), new Error('no')])
})

test('a signal lets the run under way finish, and begins no other', async () => {
  const { seen, stopping, repeating } = start()
  await vi.advanceTimersByTimeAsync(10)
  stopping.abort()
  let over = false
  void repeating.then(() => (over = true))
  await vi.advanceTimersByTimeAsync(19)
  expect(over).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  await repeating
  expect(seen).toEqual(['+0', '-30'])
  expect(vi.getTimerCount()).toBe(0)
})

test('a signal ends the wait at once', async () => {
  const { seen, stopping, repeating } = start()
  await vi.advanceTimersByTimeAsync(50)
  stopping.abort()
  await repeating
  expect(seen).toEqual(['+0', '-30'])
})
