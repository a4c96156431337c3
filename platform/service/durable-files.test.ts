import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeFileAtomically } from './durable-files.ts'

let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'durable-files-'))))
afterEach(() => rmSync(dir, { recursive: true }))

test('a file is replaced, and read by its owner only where that is asked for', async () => {
  const path = join(dir, 'keys.json')
  await writeFileAtomically(path, 'before', 0o600)
  await writeFileAtomically(path, 'after', 0o600)
  expect(readFileSync(path, 'utf8')).toBe('after')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(dir)).toEqual(['keys.json'])
})

test('what cannot take its place leaves nothing behind', async () => {
  await mkdir(join(dir, 'taken', 'by a folder'), { recursive: true })
  await expect(writeFileAtomically(join(dir, 'taken'), 'text')).rejects.toThrow()
  expect(readdirSync(dir)).toEqual(['taken'])
})
