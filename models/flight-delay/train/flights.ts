import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import type { AsyncBuffer, FileMetaData } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { datasetFile } from './dataset.ts'
import { toUtcMs } from '../../../platform/time/local-time.ts'

/** One flight of 2001, with its times in UTC. */
export type Flight = {
  /** Names the flight in every id that a replay sends: the same each time. */
  id: string
  origin: string
  destination: string
  /** The distance in miles. */
  distance: number
  departureMs: number
  /** When it lands, and its delay becomes known: the file does not say, so it is taken from the distance. */
  landingMs: number
  delayMinutes: number
  late: boolean
}

const minuteMs = 60_000

/** Minutes late from which a flight counts as late. */
export const lateMinutes = 15

export type FlightsOptions = {
  /** Local days of departure, `YYYY-MM-DD`: `from` inclusive, `to` exclusive. */
  from: string
  to: string
  /** Time zone by airport. */
  timeZones: Readonly<Record<string, string>>
}

/** The flights that left on these local days, by departure in UTC; equal ones in the order of the file. */
export async function readFlights(options: FlightsOptions): Promise<Flight[]> {
  const file = await asyncBufferFromFile(datasetFile('flights-3m.parquet'))
  const metadata = await parquetMetadataAsync(file)
  const fromMs = Date.parse(options.from)
  const toMs = Date.parse(options.to)
  const flights: Flight[] = []
  for (const group of rowGroups(metadata, fromMs, toMs)) {
    const rows = await readRows(file, metadata, group)
    for (const [index, row] of rows.entries()) {
      const localMs = row.date.getTime()
      if (localMs >= fromMs && localMs < toMs) flights.push(toFlight(row, group.rowStart + index, options.timeZones))
    }
  }
  return flights.toSorted((a, b) => a.departureMs - b.departureMs)
}

type RowGroup = { rowStart: number; rowEnd: number }

/** The file is sorted by local departure, so the groups' statistics say which to read. */
function rowGroups(metadata: FileMetaData, fromMs: number, toMs: number): RowGroup[] {
  let rowStart = 0
  const groups: RowGroup[] = []
  for (const { columns, num_rows: count } of metadata.row_groups) {
    const rowEnd = rowStart + Number(count)
    const statistics = columns[0]?.meta_data?.statistics
    const { min_value: min, max_value: max } = statistics ?? {}
    const outside = min instanceof Date && max instanceof Date && (max.getTime() < fromMs || min.getTime() >= toMs)
    if (!outside) groups.push({ rowStart, rowEnd })
    rowStart = rowEnd
  }
  return groups
}

type FlightRow = { date: Date; delay: bigint; distance: bigint; origin: string; destination: string }

async function readRows(file: AsyncBuffer, metadata: FileMetaData, group: RowGroup): Promise<FlightRow[]> {
  return (await parquetReadObjects({ file, metadata, compressors, ...group })) as FlightRow[]
}

function toFlight(row: FlightRow, rowNumber: number, timeZones: Readonly<Record<string, string>>): Flight {
  const { date, origin, destination } = row
  const timeZone = timeZones[origin]
  if (timeZone === undefined) throw new Error(`there is no time zone for the airport ${origin}`)
  const distance = Number(row.distance)
  const delayMinutes = Number(row.delay)
  const departureMs = toUtcMs(timeZone, date.getTime())
  return {
    id: `${date.toISOString().slice(0, 16)}-${origin}-${destination}-${rowNumber}`,
    origin,
    destination,
    distance,
    departureMs,
    landingMs: departureMs + (30 + Math.floor(distance / 8)) * minuteMs,
    delayMinutes,
    late: delayMinutes >= lateMinutes,
  }
}
