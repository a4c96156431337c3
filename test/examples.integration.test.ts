import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

/**
 * Each `@example` of a doc comment is a module beside its file: `// => value` says what the statement before it gives, and
 * `ts no-run` after the fence that it needs a server, or ends the process.
 */
type Example = { name: string; code: string; runs: boolean }

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = ['bin', 'contracts', 'embedded-warehouse', 'features', 'forwarder', 'gateway', 'labeler', 'logger', 'platform']
const run = promisify(execFile)

let dir: string
let examples: Example[]
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'examples-'))
  await writeFile(join(dir, 'package.json'), '{"type":"module"}')
  for (const name of ['node_modules', 'models']) await symlink(join(root, name), join(dir, name))
  examples = (await Promise.all(folders.map(readExamples))).flat()
  for (const { name, code } of examples) await writeFile(join(dir, name), code)
})
afterAll(() => rm(dir, { recursive: true, force: true }))

test('examples pass the type checker', async () => {
  expect(examples.length).toBeGreaterThan(15)
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['*.ts'] }))
  expect(await outputOf(join(root, 'node_modules/typescript/bin/tsc'), ['--project', dir])).toBe('')
})

test('examples do what they say', async () => {
  const names = examples.filter(({ runs }) => runs).map(({ name }) => name)
  const imports = names.map((name) => `await import('./${name}').catch((error) => console.log('${name}', error))`)
  await writeFile(join(dir, 'run.mjs'), imports.join('\n'))
  expect(await outputOf(`--import=${new URL('platform/typescript/register.js', `file://${root}`)}`, ['run.mjs'])).toBe('')
})

async function readExamples(folder: string): Promise<Example[]> {
  const files = (await readdir(join(root, folder), { recursive: true })).filter((file) => file.endsWith('.ts'))
  const found = files.map(async (file) => {
    const path = join(root, folder, file)
    const blocks = (await readFile(path, 'utf8')).matchAll(/^ *\* @example\n *\* ```(ts(?: no-run)?)\n((?: *\*.*\n)*?) *\* ```$/gm)
    return Array.from(blocks, ([, fence, text = ''], index) => ({
      name: `${folder}-${file.replaceAll(/[/\\]|\.ts$/g, '-')}${index + 1}.ts`,
      code: toModule(text.replaceAll(/^ *\* ?/gm, ''), dirname(path)),
      runs: fence === 'ts',
    }))
  })
  return (await Promise.all(found)).flat()
}

function toModule(text: string, folder: string): string {
  const code = text
    .replaceAll(/(?<=from ')\.[^']+/g, (specifier) => resolve(folder, specifier))
    .replaceAll(/^( *)(\S.*?) \/\/ => (.+)$/gm, '$1assert.deepEqual($2, $3)')
  return `import assert from 'node:assert/strict'\n${code}void assert\n`
}

/** The text that the script prints, or why it ended otherwise. */
async function outputOf(script: string, args: string[]): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [script, ...args], { cwd: dir }).catch(
    (error: { stdout: string; stderr: string }) => error,
  )
  return stdout + stderr
}
