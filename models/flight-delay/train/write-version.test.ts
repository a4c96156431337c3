import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { manifestHead } from './write-version.ts'

test.each(['1', '2'])('the manifest of version %s reads as it would be written', (version) => {
  const text = readFileSync(new URL(`../${version}/manifest.yaml`, import.meta.url), 'utf8')
  expect(text).toBe(manifestHead + stringify(parse(text), { lineWidth: 120 }))
})
