import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { armFailpoint, disarmFailpoint } from './failpoint.ts'

const script = fileURLToPath(new URL('./testing/passing-failpoints.ts', import.meta.url))
let dir: string
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'hindsight-failpoints-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('ends the process at the hit it is armed for, once', () => {
  armFailpoint(dir, 'gateway.after_commit', 3)
  expect(passThrough('gateway.after_commit', 5, dir)).toEqual({ signal: 'SIGKILL', passed: '12' })
  expect(readdirSync(dir)).toEqual([])
  expect(passThrough('gateway.after_commit', 5, dir)).toEqual({ signal: null, passed: '12345' })
})

test('lets other points, a disarmed one and a process without the variable pass', () => {
  armFailpoint(dir, 'gateway.after_commit')
  expect(passThrough('logger.after_insert', 2, dir)).toEqual({ signal: null, passed: '12' })
  expect(passThrough('gateway.after_commit', 2, '')).toEqual({ signal: null, passed: '12' })
  expect(disarmFailpoint(dir, 'gateway.after_commit')).toBe(true)
  expect(disarmFailpoint(dir, 'gateway.after_commit')).toBe(false)
  expect(passThrough('gateway.after_commit', 2, dir)).toEqual({ signal: null, passed: '12' })
})

function passThrough(name: string, times: number, failpoints: string): { signal: string | null; passed: string } {
  const env = { ...process.env, HINDSIGHT_FAILPOINTS: failpoints }
  const { signal, stdout } = spawnSync(process.execPath, ['--import=#typescript', script, name, String(times)], { env, encoding: 'utf8' })
  return { signal, passed: stdout }
}
