import { expect, it } from 'vitest'
import { parseCores } from './cores.ts'

it.each([
  ['0-1', [0, 1]],
  ['4', [4]],
  ['0,2-4', [0, 2, 3, 4]],
])('reads the cores of %s', (list, cores) => {
  expect(parseCores(list)).toEqual(cores)
})
