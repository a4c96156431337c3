import { describe, expect, it } from 'vitest'
import type { Tensors } from './inference.ts'
import { findBatching, timeRuns } from './measure-session.ts'

const sample = {
  inputs: { x: { type: 'float32', dims: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) } } satisfies Tensors,
  outputs: ['p'],
  rows: 3,
}
const give = (data: number[], dims = [data.length]) => ({
  tensors: { p: { type: 'float32' as const, dims, data: Float32Array.from(data) } },
  runUs: 40,
})
const sums = (inputs: Tensors) => {
  const { data } = inputs['x']!
  return Array.from({ length: data.length / 2 }, (_, row) => Number(data[2 * row]) + Number(data[2 * row + 1]))
}

describe('requests share runs', () => {
  it('of a model that treats each row by itself', async () => {
    expect(await findBatching(async (inputs) => give(sums(inputs)), sample, 64)).toBe(true)
  })

  it('also where a row gives NaN', async () => {
    expect(await findBatching(async (inputs) => give(sums(inputs).map(() => Number.NaN)), sample, 64)).toBe(true)
  })

  it('not of a model whose rows depend on one another', async () => {
    const centred = (values: number[]) => values.map((value) => value - Math.max(...values))
    expect(await findBatching(async (inputs) => give(centred(sums(inputs))), sample, 64)).toMatch(/differently beside others/)
  })

  it('not of a model that gives one number for all rows', async () => {
    expect(await findBatching(async () => give([1]), sample, 64)).toMatch(/a row for each row of input/)
  })

  it('not where the settings say so', async () => {
    expect(await findBatching(async (inputs) => give(sums(inputs)), sample, 1)).toBe('max_batch_rows is 1')
  })
})

describe('a timing', () => {
  it('repeats the sample up to the rows asked for, and leaves out the first run and the worst', async () => {
    const sizes: number[] = []
    const times = [9000, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 7000]
    const timing = await timeRuns(
      async (inputs) => {
        sizes.push(inputs['x']!.dims[0]!)
        return { ...give(sums(inputs)), runUs: times[sizes.length - 1]! }
      },
      sample,
      7,
    )
    expect(new Set(sizes)).toEqual(new Set([7]))
    expect(timing).toMatchObject({ median: 10, most: 10 })
  })
})
