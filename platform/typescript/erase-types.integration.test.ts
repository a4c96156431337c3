import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const here = dirname(fileURLToPath(import.meta.url))
const compiler = dirname(createRequire(import.meta.url).resolve('@swc/wasm-typescript'))
let dir: string
let erased: string

/** A project of one TypeScript file, with a compiler of its own. */
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hindsight-erase-types-'))
  const own = join(dir, 'node_modules/@swc/wasm-typescript')
  erased = join(own, 'erased')
  cpSync(compiler, own, { recursive: true, filter: (path) => !/\/(erased|compiled)$/.test(path) })
  for (const file of ['register.js', 'erase-types.js']) cpSync(join(here, file), join(dir, file))
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

async function run(text: string): Promise<string> {
  writeFileSync(join(dir, 'main.ts'), text)
  // Where Node.js erases types itself, it is told not to; the option had another name at first.
  const names = ['--no-strip-types', '--no-experimental-strip-types']
  const args = names.filter((name) => process.allowedNodeEnvironmentFlags.has(name)).slice(0, 1)
  const { stdout } = await promisify(execFile)(process.execPath, [...args, '--import=./register.js', 'main.ts'], { cwd: dir })
  return stdout
}

const says = (word: string) => `const word: string = '${word}'\nconsole.log(word)\n`

test('a file is compiled once, and anew when it changes', async () => {
  expect(await run(says('one'))).toBe('one\n')
  writeFileSync(join(dirname(erased), 'wasm.js'), `throw new Error('the compiler was called')`)
  expect(await run(says('one'))).toBe('one\n')
  await expect(run(says('two'))).rejects.toThrow('the compiler was called')
})

test('processes that start at the same moment do not disturb one another', async () => {
  expect(await Promise.all(Array.from({ length: 8 }, () => run(says('one'))))).toEqual(Array.from({ length: 8 }, () => 'one\n'))
  expect(readdirSync(erased)).toHaveLength(1)
})

test.each(['', 'const word', '\0'.repeat(5)])('what was written in part is compiled again: %j', async (cut) => {
  await run(says('one'))
  for (const file of readdirSync(erased)) writeFileSync(join(erased, file), cut)
  expect(await run(says('one'))).toBe('one\n')
})

test('where nothing can be written it runs all the same', async () => {
  mkdirSync(join(dir, 'elsewhere'))
  symlinkSync(join(dir, 'elsewhere/nowhere/erased'), erased)
  expect(await run(says('one'))).toBe('one\n')
  expect(existsSync(erased)).toBe(false)
})

test.runIf('enableCompileCache' in module)('what Node.js has compiled is kept for the next start', async () => {
  expect(await run(says('one'))).toBe('one\n')
  expect(readdirSync(join(dirname(erased), 'compiled'), { recursive: true }).length).toBeGreaterThan(0)
})
