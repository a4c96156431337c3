import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import timeZoneAt from '@photostructure/tz-lookup'
import { parse } from 'csv-parse/sync'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { stringify } from 'yaml'
import { datasetFile } from './dataset.ts'

/** Writes `lookups/airport_time_zones.yaml`: the time zone at the coordinates of every airport that a flight names. */
const bytes = readFileSync(datasetFile('flights-3m.parquet'))
const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
const flights = await parquetReadObjects({ file, compressors, columns: ['origin', 'destination'] })
const named = new Set(flights.flatMap(({ origin, destination }) => [String(origin), String(destination)]))

type Airport = { iata: string; latitude: string; longitude: string }
const airports: Airport[] = parse(readFileSync(datasetFile('airports.csv')), { columns: true })
const zones = airports
  .filter(({ iata }) => named.has(iata))
  .map(({ iata, latitude, longitude }) => [iata, timeZoneAt(Number(latitude), Number(longitude))] as const)
  .toSorted(([a], [b]) => (a < b ? -1 : 1))

const missing = [...named].filter((iata) => !zones.some(([known]) => known === iata))
if (missing.length > 0) throw new Error(`airports.csv does not list ${missing.join(', ')}`)

const lookup = {
  name: 'airport_time_zones',
  description: 'IANA time zone of each airport, by its coordinates.',
  owner: 'flight-operations',
  entity: 'airport',
  values: Object.fromEntries(zones),
}
const target = fileURLToPath(new URL('../../lookups/airport_time_zones.yaml', import.meta.url))
const head = `# yaml-language-server: $schema=../../contracts/schemas/lookup.schema.json
# Made by flight-delay/train/make-airport-time-zones.ts
`
writeFileSync(target, head + stringify(lookup))
process.stdout.write(`${zones.length} airports\n`)
