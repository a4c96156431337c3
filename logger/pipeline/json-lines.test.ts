import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBufferPool } from './buffer-pool.ts'
import { createJsonLines } from './json-lines.ts'
import { rowsSent } from '../testing/rows-sent.ts'

const row = fc.record({ text: fc.string({ unit: 'binary' }), n: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0) })

test('any part of the lines is the JSON of its rows, whatever size was expected and whatever the memory held before', () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 1 }), fc.nat(200), fc.nat(), fc.nat(), (rows, expectedBytes, a, b) => {
      const pool = createBufferPool()
      for (const _ of [1, 2]) {
        const lines = createJsonLines(pool, expectedBytes)
        for (const each of rows) lines.add(each)
        const [from, to] = [a % rows.length, 1 + (b % rows.length)].toSorted((x, y) => x - y) as [number, number]
        const expected = rows.slice(from, to).map((each) => JSON.parse(JSON.stringify(each)) as object)
        expect(lines.length).toBe(rows.length)
        expect(from === to ? [] : rowsSent(lines.slice(from, to))).toEqual(expected)
        lines.release()
      }
    }),
  )
})

test('memory that was given back is used again, and only by one at a time', () => {
  const pool = createBufferPool()
  const first = pool.take(100)
  pool.give(first)
  expect(pool.take(50)).toBe(first)
  expect(pool.take(50)).not.toBe(first)
  pool.give(first)
  expect(pool.take(101)).not.toBe(first)
  pool.clear()
  expect(pool.take(50)).not.toBe(first)
})
