import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { toJsonSchemaFiles } from './json-schemas.ts'

const folder = fileURLToPath(new URL('schemas/', import.meta.url))
mkdirSync(folder, { recursive: true })
for (const [file, text] of Object.entries(toJsonSchemaFiles())) writeFileSync(`${folder}${file}`, text)
