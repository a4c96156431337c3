import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { dataDictionaryFile, generateDataDictionary } from './data-dictionary.ts'

test('docs/data-dictionary.md is what `npm run generate` writes, and says something about every column', async () => {
  const dictionary = await generateDataDictionary()
  expect(await readFile(dataDictionaryFile, 'utf8')).toBe(dictionary)
  for (const table of ['gold.predictions', 'silver.outcomes', 'silver.labels', 'bronze.rejects'])
    expect(dictionary).toContain(`## ${table}`)
  expect(dictionary.split('\n').filter((line) => /^\| `.*\|\s*\|$/.test(line))).toEqual([])
})
