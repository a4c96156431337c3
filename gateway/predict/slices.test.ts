import { expect, it } from 'vitest'
import { createSlices } from './slices.ts'

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

it('does what fits into a slice, and the rest in the turns that follow', async () => {
  let clock = 0
  const done: string[] = []
  const slices = createSlices({ tick: () => clock, afterEach: () => void done.push('|') })
  const add = (name: string, later = false) => slices.add(() => void (done.push(name), (clock += 1)), { later })
  for (const name of ['a', 'b', 'c', 'd', 'e']) add(name)
  slices.run()
  expect(done.join('')).toBe('ab|')
  await nextTurn()
  await nextTurn()
  expect(done.join('')).toBe('ab|cd|e|')
})

it('lets what is new pass what is left of large requests, which comes to its end all the same', async () => {
  let clock = 0
  const done: string[] = []
  const slices = createSlices({ tick: () => clock, afterEach: () => void done.push('|') })
  const add = (name: string, later = false) => slices.add(() => void (done.push(name), (clock += 2)), { later })
  for (const name of ['1', '2', '3']) add(name, true)
  for (const name of ['a', 'b']) add(name)
  slices.run()
  await nextTurn()
  add('c')
  await nextTurn()
  expect(done.join('')).toBe('a1|b2|c3|')
})

it('does what a task adds', async () => {
  const done: string[] = []
  const slices = createSlices({ tick: () => 0, afterEach: () => undefined })
  slices.add(
    () => {
      done.push('first')
      slices.add(() => void done.push('second'), { later: false })
      slices.run()
    },
    { later: false },
  )
  slices.run()
  expect(done).toEqual(['first', 'second'])
})
