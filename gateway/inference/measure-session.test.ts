import { describe, expect, it } from 'vitest'
import { RunFault } from './inference-thread.ts'
import type { Tensors } from '../tensors/tensor.ts'
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

const rules = { maxBatchRows: 64, rowByRow: false }

describe('requests share runs', () => {
  it('of a model that treats each row by itself', async () => {
    expect(await findBatching(async (inputs) => give(sums(inputs)), sample, rules)).toEqual({ batching: true, rowByRow: false })
  })

  it('also where a row gives NaN', async () => {
    expect(await findBatching(async (inputs) => give(sums(inputs).map(() => Number.NaN)), sample, rules)).toEqual({
      batching: true,
      rowByRow: false,
    })
  })

  it('not of a model whose rows depend on one another', async () => {
    const centred = (values: number[]) => values.map((value) => value - Math.max(...values))
    expect(await findBatching(async (inputs) => give(centred(sums(inputs))), sample, rules)).toEqual({
      batching: expect.stringMatching(/differently beside others/),
      rowByRow: true,
    })
  })

  it('not of a model that gives one number for all rows', async () => {
    expect(await findBatching(async () => give([1]), sample, rules)).toEqual({
      batching: expect.stringMatching(/a row for each row of input/),
      rowByRow: true,
    })
  })

  it('not of a model that fails with several rows, whose rows run one by one', async () => {
    const run = async (inputs: Tensors) => {
      if (inputs['x']!.dims[0]! > 1) throw new RunFault('the shape is fixed')
      return give(sums(inputs))
    }
    expect(await findBatching(run, sample, rules)).toEqual({ batching: 'a run of several rows fails', rowByRow: true })
  })

  it('also of a model that fails on rows that nobody sent', async () => {
    const run = async (inputs: Tensors) => {
      if ((inputs['x']!.data as Float32Array).some((value) => value > 6)) throw new RunFault('no such category')
      return give(sums(inputs))
    }
    expect(await findBatching(run, sample, rules)).toEqual({ batching: true, rowByRow: false })
  })

  it('not where the settings say so', async () => {
    expect(await findBatching(async (inputs) => give(sums(inputs)), sample, { ...rules, maxBatchRows: 1 })).toEqual({
      batching: 'max_batch_rows is 1',
      rowByRow: false,
    })
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
