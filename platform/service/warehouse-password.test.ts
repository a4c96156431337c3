import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { ensurePassword, passwordFilePath, readPassword } from './warehouse-password.ts'

const dirs: string[] = []
let dataDir: string

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'hindsight-password-'))
  dirs.push(dataDir)
})
afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true })
})

test('it is made once, for its owner alone', () => {
  expect(readPassword(dataDir)).toBeUndefined()
  const password = ensurePassword(dataDir)
  expect(password).toMatch(/^[\w-]{43}$/)
  expect([ensurePassword(dataDir), readPassword(dataDir)]).toEqual([password, password])
  expect(statSync(passwordFilePath(dataDir)).mode & 0o777).toBe(0o600)
})

test('a file that others could read is closed to them', () => {
  const password = ensurePassword(dataDir)
  chmodSync(passwordFilePath(dataDir), 0o644)
  expect(ensurePassword(dataDir)).toBe(password)
  expect(statSync(passwordFilePath(dataDir)).mode & 0o777).toBe(0o600)
})

test('an empty file is no password', () => {
  ensurePassword(dataDir)
  writeFileSync(passwordFilePath(dataDir), '\n')
  expect(() => ensurePassword(dataDir)).toThrow(expect.objectContaining({ code: 'invalid_config' }))
})
