import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { identifyProcess } from '../../platform/service/process-identity.ts'
import { lockDataDirectory } from './data-lock.ts'

let dir: string
const lockFile = () => join(dir, 'run', 'up.lock')
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hindsight-lock-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('a live holder keeps others out, until it releases', async () => {
  const lock = await lockDataDirectory(dir)
  await expect(lockDataDirectory(dir)).rejects.toThrow(`hindsight is already running on ${dir} (pid ${process.pid})`)
  await lock.release()
  await (await lockDataDirectory(dir)).release()
})

test.each([
  ['whose process is gone', () => JSON.stringify({ pid: 2 ** 22 + 1 })],
  ['whose pid was given to another process', () => JSON.stringify({ pid: process.pid, born: 'another boot/1' })],
  ['that a crash tore', () => '{"pid":'],
  ['that is empty', () => ''],
])('a lock %s is taken over', async (_name, content) => {
  const first = await lockDataDirectory(dir)
  writeFileSync(lockFile(), content())
  const lock = await lockDataDirectory(dir)
  expect(JSON.parse(readFileSync(lockFile(), 'utf8'))).toEqual(identifyProcess())
  await lock.release()
  await first.release()
})
