import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { outOfDate } from './install.js'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hindsight-install-'))
  mkdirSync(join(dir, 'node_modules'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const lock = {
  '': { version: '0.1.0' },
  'node_modules/zod': { version: '4.0.0' },
  'node_modules/chdb': { version: '3.0.0', optional: true },
  'node_modules/vitest': { version: '4.0.0', dev: true },
}

describe('dependencies', () => {
  test('are up to date when everything wanted is there', () => {
    write({ ...lock })
    expect(outOfDate(dir, { dev: true })).toBeUndefined()
  })

  test('are out of date before the first installation, and after one that was interrupted', () => {
    writeFileSync(join(dir, 'package-lock.json'), JSON.stringify({ packages: lock }))
    expect(outOfDate(dir, { dev: false })).toBe('dependencies are not installed')
  })

  test('are out of date when one has another version', () => {
    write({ ...lock, 'node_modules/zod': { version: '3.9.9' } })
    expect(outOfDate(dir, { dev: false })).toBe('zod is missing or out of date')
  })

  test('may lack what is optional, and what only development needs', () => {
    write({ 'node_modules/zod': lock['node_modules/zod'] })
    expect(outOfDate(dir, { dev: false })).toBeUndefined()
    expect(outOfDate(dir, { dev: true })).toBe('vitest is missing or out of date')
  })

  test('of this checkout are up to date', () => {
    expect(outOfDate(fileURLToPath(new URL('..', import.meta.url)), { dev: true })).toBeUndefined()
  })
})

function write(installed: object): void {
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify({ packages: lock }))
  writeFileSync(join(dir, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }))
}

test('package-lock.json names the packages of every platform, or npm ci refuses it everywhere', () => {
  const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')
  const { packages } = JSON.parse(text) as { packages: Record<string, { optionalDependencies?: Record<string, string> }> }
  const locked = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')))
  const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
  expect(wanted.filter((name) => !locked.has(name))).toEqual([])
})
