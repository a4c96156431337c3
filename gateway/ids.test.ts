import { validate, version } from 'uuid'
import { afterEach, expect, test, vi } from 'vitest'
import { createIdFactory } from './ids.ts'
import { uuidV7TimeMs } from './routes/predictions.ts'

afterEach(() => void vi.useRealTimers())

test('ids are UUIDv7s of the moment that they are minted at, and none comes twice', () => {
  const newId = createIdFactory()
  const before = Date.now()
  const ids = Array.from({ length: 10_000 }, newId)
  const after = Date.now()
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.filter((id) => !validate(id) || version(id) !== 7)).toEqual([])
  expect(ids.map(uuidV7TimeMs).filter((timeMs = 0) => timeMs < before || timeMs > after)).toEqual([])
})

test('a later id sorts behind an earlier one, also from another factory', () => {
  vi.useFakeTimers({ now: Date.UTC(2001, 0, 1) })
  const factories = [createIdFactory(), createIdFactory()]
  const ids = Array.from({ length: 200 }, (_, index) => {
    vi.advanceTimersByTime(index % 7 === 0 ? 1 : 2 ** 20)
    return factories[index % 2]!()
  })
  expect(ids.toSorted()).toEqual(ids)
})

test('every random digit takes every value about as often', () => {
  const newId = createIdFactory()
  const ids = Array.from({ length: 16_000 }, newId)
  const countsAt = (at: number) => {
    const counts = new Map<string, number>()
    for (const id of ids) counts.set(id[at]!, (counts.get(id[at]!) ?? 0) + 1)
    return counts
  }
  // Of 16,000 draws of one in 16 the deviation is 31, of one in 4 it is 55: seven of them come about once in 10^11.
  const variants = countsAt(19)
  expect([...variants.keys()].toSorted()).toEqual(['8', '9', 'a', 'b'])
  for (const count of variants.values()) expect(Math.abs(count - 4000)).toBeLessThan(7 * 55)
  for (const at of [15, 16, 17, 20, 21, 22, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35]) {
    expect(countsAt(at).size).toBe(16)
    for (const count of countsAt(at).values()) expect(Math.abs(count - 1000)).toBeLessThan(7 * 31)
  }
})
