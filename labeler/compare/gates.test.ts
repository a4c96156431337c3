import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { blockInterval, clusterInterval } from './gates.ts'
import { everything } from './interval.ts'
import { addGroup, createMoments, type Moments } from './moments.ts'

type Case = {
  name: string
  level: number
  sums: number[]
  rows: number[]
  eta: number
  gate_1: [number, number] | null
  gate_2: [number, number]
}

// By bisection on the e-processes with SciPy, and by ville's boundary: testing/reference.py, which names the versions.
const { cases } = JSON.parse(readFileSync(new URL('testing/reference.json', import.meta.url), 'utf8')) as { cases: Case[] }

function momentsOf({ sums, rows }: Pick<Case, 'sums' | 'rows'>): Moments {
  const moments = createMoments()
  for (const [index, sum] of sums.entries()) addGroup(moments, sum, rows[index]!)
  return moments
}

test.each(cases)('both gates equal the reference: $name', (given) => {
  const { level, eta } = given
  const blocks = blockInterval(momentsOf(given), level)
  if (given.gate_1 === null) expect(blocks).toEqual(everything)
  else expectClose([blocks.lower, blocks.upper], given.gate_1)
  const clusters = clusterInterval(momentsOf(given), { eta, level })
  expectClose([clusters.lower, clusters.upper], given.gate_2)
})

function expectClose(ends: readonly number[], expected: readonly number[]): void {
  const width = expected[1]! - expected[0]!
  for (const [index, end] of ends.entries()) expect(Math.abs(end - expected[index]!) / width).toBeLessThan(1e-9)
}

test('is everything where there are too few blocks to be bounded, no variance, or nothing', () => {
  expect(blockInterval(createMoments(), 0.05)).toEqual(everything)
  expect(blockInterval(momentsOf({ sums: [1], rows: [10] }), 0.05)).toEqual(everything)
  expect(blockInterval(momentsOf({ sums: [1, 1.1, 0.9], rows: [10, 10, 10] }), 0.05)).toEqual(everything)
  expect(clusterInterval(momentsOf({ sums: [1], rows: [10] }), { eta: 1, level: 0.05 })).toEqual(everything)
  expect(clusterInterval(momentsOf({ sums: [1, 2], rows: [10, 20] }), { eta: 1, level: 0.05 })).toEqual(everything)
})
