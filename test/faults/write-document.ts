import { readFileSync, writeFileSync } from 'node:fs'
import { mergeRows, parseCsv, toCsv, toDocument, toRows } from './document.ts'
import type { RunResult } from './result.ts'
import { allFaults } from './rows/all.ts'

const csv = new URL('../../docs/faults.csv', import.meta.url)
const document = new URL('../../docs/faults.md', import.meta.url)

/**
 * `node --import=#typescript test/faults/write-document.ts [RUN.json...]` adds runs to docs/faults.csv, where the later of a fault and set-up stands, and
 * writes docs/faults.md of it.
 */
const runs = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')) as RunResult)
const rows = mergeRows([...parseCsv(readFileSync(csv, 'utf8')), ...runs.flatMap(toRows)], allFaults)
writeFileSync(csv, toCsv(rows))
writeFileSync(document, toDocument(rows, allFaults))
