import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { createDiskReserve, freeBytesOf, keptFree } from './disk-reserve.ts'

const whatRuns = async (freeBytes: number) => {
  const reserve = createDiskReserve(() => Promise.resolve(freeBytes))
  const verbs = ['INSERT', 'CREATE', 'ALTER', 'OPTIMIZE', 'SELECT', 'WITH', 'DROP', 'TRUNCATE']
  const runs = await Promise.allSettled(verbs.map((verb) => reserve.require(verb)))
  return verbs.filter((_, index) => runs[index]?.status === 'fulfilled')
}

test('on a disk that fills up, writes are refused first, then reads, and never what makes space', async () => {
  expect(await whatRuns(keptFree.forWrites)).toHaveLength(8)
  expect(await whatRuns(keptFree.forWrites - 1)).toEqual(['SELECT', 'WITH', 'DROP', 'TRUNCATE'])
  expect(await whatRuns(keptFree.forReads)).toEqual(['SELECT', 'WITH', 'DROP', 'TRUNCATE'])
  expect(await whatRuns(keptFree.forReads - 1)).toEqual(['DROP', 'TRUNCATE'])
  expect(await whatRuns(0)).toEqual(['DROP', 'TRUNCATE'])
})

test('says how much is left and how much is needed', async () => {
  const reserve = createDiskReserve(() => Promise.resolve(5.9 * 1024 ** 2))
  await expect(reserve.require('INSERT')).rejects.toMatchObject({
    code: 243,
    message: 'The disk of the warehouse has 5 MiB left; INSERT needs 64 MiB to be free',
  })
})

test('asks the file system', async () => {
  expect(await freeBytesOf(tmpdir())).toBeGreaterThan(0)
})
