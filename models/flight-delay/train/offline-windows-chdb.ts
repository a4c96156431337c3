import { Session } from 'chdb'
import { compileView, type CompiledView } from '../../../features/engine/compile-view.ts'
import type { FeatureValue } from '../../../features/engine/feature-value.ts'
import { eventTimeColumn, windowFeaturesSql } from '../../../features/offline/window-features-sql.ts'
import type { OnlineRead } from '../../../features/assembly/assembly-request.ts'
import type { Project } from '../../../platform/project/project.ts'
import type { Flight } from './flights.ts'
import { fromColumnTime } from '../../../platform/warehouse/column-time.ts'

/** The values of a view per flight, in the order of the flights asked for. */
export type WindowValues = ReadonlyMap<string, FeatureValue>[]

export type OfflineWindows = {
  /** Makes these flights' landings known. Those that the source's range refuses are left out, as the gateway does. */
  addLandings(flights: readonly Flight[]): Promise<void>
  /** A view's features at each flight's departure, for the airport in a role. */
  read(read: OnlineRead, flights: readonly Flight[]): Promise<WindowValues>
  close(): void
}

const source = 'flight_landed'
const keyOfRole: Record<string, keyof Flight> = { origin: 'origin', destination: 'destination' }

/** The project's offline executor over flights: its generated SQL, run by the embedded ClickHouse in this process. */
export function openOfflineWindows(project: Project): OfflineWindows {
  const session = new Session()
  const views = new Map([...project.views.values()].map((view) => [view.name, compileView(view, project.sources.get(view.source)!)]))
  const { min = -Infinity, max = Infinity } = project.sources.get(source)!.values['delay_minutes']!
  session.query('CREATE DATABASE train')
  session.query(`CREATE TABLE train.landings (id String, origin LowCardinality(String), destination LowCardinality(String),
    delay_minutes Float64, landed_at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY landed_at`)
  session.query(
    `CREATE TABLE train.anchors (row_id UInt32, entity_id String, anchor_time DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY row_id`,
  )
  return {
    async addLandings(flights) {
      const rows = flights.filter(({ delayMinutes }) => delayMinutes >= min && delayMinutes <= max)
      const values = rows
        .map((row) => `${row.id}\t${row.origin}\t${row.destination}\t${row.delayMinutes}\t${row.landingMs / 1000}\n`)
        .join('')
      await session.insert({ table: 'train.landings', values: Buffer.from(values), format: 'TSV' })
    },
    async read({ view: name, role }, flights) {
      const view = views.get(name)!
      await replaceAnchors(session, flights, keyOfRole[role]!)
      const sql = windowFeaturesSql({ view, events: eventsSql(view, flights), history: 'plain', anchors: 'train.anchors' })
      const result = await session.queryAsync(`${sql} ORDER BY row_id`, { format: 'JSONEachRow' })
      return toLines(result.text()).map((line) => toValues(view, JSON.parse(line) as Record<string, unknown>))
    },
    close: () => session.cleanup(),
  }
}

async function replaceAnchors(session: Session, flights: readonly Flight[], key: keyof Flight): Promise<void> {
  session.query('TRUNCATE TABLE train.anchors')
  const values = flights.map((flight, index) => `${index}\t${flight[key]}\t${flight.departureMs / 1000}\n`).join('')
  await session.insert({ table: 'train.anchors', values: Buffer.from(values), format: 'TSV' })
}

/** The landings that these flights' windows can hold, in the columns of `bronze.feature_events`. */
function eventsSql(view: CompiledView, flights: readonly Flight[]): string {
  const fromMs = Math.min(...[flights[0], flights.at(-1)].map((flight) => flight!.departureMs)) - view.reachMs
  const toMs = flights.at(-1)!.departureMs
  return `(SELECT '${source}' AS source, id AS event_id, map('origin', toString(origin), 'destination', toString(destination)) AS keys,
    map('delay_minutes', delay_minutes) AS values_number, CAST(map() AS Map(String, String)) AS values_text,
    landed_at AS event_time, landed_at AS known_at
    FROM train.landings WHERE landed_at >= fromUnixTimestamp64Milli(${fromMs}, 'UTC') AND landed_at < fromUnixTimestamp64Milli(${toMs}, 'UTC'))`
}

function toValues(view: CompiledView, row: Record<string, unknown>): ReadonlyMap<string, FeatureValue> {
  return new Map(view.features.map(({ name }) => [name, toValue(row[name], row[eventTimeColumn(name)])]))
}

function toValue(value: unknown, eventTime: unknown): FeatureValue {
  if (value === null) return { status: 'missing', reason: 'no_events' }
  const typed = value as number | string
  return typeof eventTime === 'string'
    ? { status: 'ok', value: typed, eventTimeMs: Date.parse(fromColumnTime(eventTime)) }
    : { status: 'ok', value: typed }
}

function toLines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
