import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ensureDataDirectory } from './startup-errors.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hindsight-startup-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('creates every missing level, also when several do at once', async () => {
  const path = join(dir, 'a', 'b', 'c')
  await Promise.all(Array.from({ length: 8 }, () => ensureDataDirectory(path)))
  await ensureDataDirectory(path)
  expect(readdirSync(path)).toEqual([])
})

test('a file in the way is one clear error', async () => {
  const file = join(dir, 'file')
  writeFileSync(file, '')
  await expect(ensureDataDirectory(file)).rejects.toMatchObject({
    code: 'invalid_config',
    message: `cannot write to the data directory ${file}: it is a file, not a directory`,
  })
  await expect(ensureDataDirectory(join(file, 'x'))).rejects.toThrow('a part of the path is a file')
})

test('a link to nowhere is one clear error', async () => {
  const link = join(dir, 'link')
  symlinkSync(join(dir, 'nowhere', 'else'), link)
  await expect(ensureDataDirectory(join(link, 'x'))).rejects.toMatchObject({ code: 'invalid_config' })
})

test.runIf(existsSync('/proc/self'))('a place where the system creates nothing is one clear error, and no endless try', async () => {
  for (const path of ['/proc/hindsight', '/proc/hindsight/data'])
    await expect(ensureDataDirectory(path)).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringMatching(/^cannot write to the data directory \/proc\/hindsight\S*: [a-z ]+$/),
    })
})
