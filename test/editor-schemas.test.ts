import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const models = fileURLToPath(new URL('../models', import.meta.url))
const schemas = fileURLToPath(new URL('../contracts/schemas', import.meta.url))
const files = readdirSync(models, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'))
const ofFolder: Record<string, string> = {
  sources: 'event-source',
  features: 'feature-view',
  labels: 'label-definition',
  lookups: 'lookup',
}

test.each(files)('%s begins with the schema that an editor completes it by', (file) => {
  const [first = ''] = readFileSync(join(models, file), 'utf8').split('\n')
  const schema = /^# yaml-language-server: \$schema=(\S+)$/.exec(first)?.[1]
  const wanted = join(schemas, `${ofFolder[dirname(file)] ?? basename(file, '.yaml')}.schema.json`)
  expect(schema && resolve(models, dirname(file), schema)).toBe(wanted)
  expect(existsSync(wanted)).toBe(true)
})
