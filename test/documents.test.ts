import { existsSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { importRules, importSentence } from './testing/import-rules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const notOurs = new Set(['node_modules', '.hindsight', '.git', '.venv', 'environment'])

let documents: { file: string; text: string }[]
beforeAll(async () => {
  const names = await findDocuments(root)
  documents = names.map((name) => ({ file: relative(root, name), text: readFileSync(name, 'utf8') }))
})

describe('documents', () => {
  test('link to files that are there', () => {
    const missing = documents.flatMap(({ file, text }) =>
      [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(file), target)))
        .map((target) => `${file}: ${target}`),
    )
    expect(missing).toEqual([])
  })

  test("a folder's README is at most a screen", () => {
    const tooLong = documents
      .filter(({ file }) => file.endsWith(`${sep}README.md`))
      .filter(({ text }) => text.trimEnd().split('\n').length > 60 || text.split(/\s+/).length > 600 || /^.{161}/m.test(text))
      .map(({ file }) => file)
    expect(tooLong).toEqual([])
  })

  test('the READMEs of the gateway and of platform name each of their folders', async () => {
    const unnamed = ['gateway', 'platform'].map(async (folder) => {
      const readme = readFileSync(join(root, folder, 'README.md'), 'utf8')
      const inside = (await readdir(join(root, folder), { withFileTypes: true })).filter((entry) => entry.isDirectory())
      return inside.filter(({ name }) => !readme.includes(`\`${name}/\``)).map(({ name }) => `${folder}/${name}`)
    })
    expect((await Promise.all(unnamed)).flat()).toEqual([])
  })

  test.each(Object.keys(importRules))('the README of %s says what it may import, as test/layers.test.ts holds it to', (folder) => {
    const readme = documents.find(({ file }) => file === join(folder, 'README.md'))?.text.replaceAll(/\s+/g, ' ')
    expect(readme).toContain(importSentence(folder))
  })
})

async function findDocuments(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const found = entries
    .filter(({ name }) => !notOurs.has(name))
    .map((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return findDocuments(path)
      return entry.name.endsWith('.md') ? [path] : []
    })
  return (await Promise.all(found)).flat()
}
