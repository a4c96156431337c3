import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { toJsonSchemaFiles } from './json-schemas.ts'

const folder = fileURLToPath(new URL('schemas/', import.meta.url))

test('the committed JSON Schemas are those of the contracts (else: npm run generate)', () => {
  const committed = Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(`${folder}${file}`, 'utf8')]))
  expect(committed).toEqual(toJsonSchemaFiles())
})

test('a definition may leave out what has a default, an event may not', () => {
  const required = (name: string) => (JSON.parse(toJsonSchemaFiles()[`${name}.schema.json`] ?? '{}') as { required: string[] }).required
  expect(required('deployment')).toEqual(['revision', 'champion'])
  expect(required('prediction-event.v1')).toContain('purposes')
})
