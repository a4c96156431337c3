import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { once } from 'node:events'
import { createAssembler } from '../../../features/assembly/assembler.ts'
import type { Project } from '../../../platform/project/project.ts'
import { addDays } from './dataset-days.ts'
import { type Flight, readFlights } from './flights.ts'
import { type OfflineWindows, openOfflineWindows, type WindowValues } from './offline-windows-chdb.ts'

/** Local days of departure, `to` exclusive. */
export type Span = { from: string; to: string }

export type RowsSummary = { rows: number; sha256: string; anchorFromMs: number; anchorToMs: number }

/** One departure: its features in the order asked for, missing ones NaN, and its outcome. */
export type TrainingRow = { flight: Flight; features: number[] }

/** How many days are computed at once, which bounds the memory. */
const chunkDays = 7

/** Computes the features of every departure of the span, as they would have been served, in the order of departure. */
export async function* trainingRows(project: Project, names: readonly string[], span: Span): AsyncGenerator<TrainingRow[]> {
  const windows = openOfflineWindows(project)
  try {
    // The landings span one day more on both sides: those of the evening before, and of flights further east that left meanwhile.
    for await (const flights of chunks(project, { from: addDays(span.from, -1), to: addDays(span.to, 1) }))
      await windows.addLandings(flights)
    for await (const flights of chunks(project, span)) yield await assembleRows({ project, names, windows, flights })
  } finally {
    windows.close()
  }
}

async function* chunks(project: Project, { from, to }: Span): AsyncGenerator<Flight[]> {
  const timeZones = project.lookups.get('airport_time_zones')!.values
  for (let day = from; day < to; day = addDays(day, chunkDays)) {
    const end = addDays(day, chunkDays)
    yield await readFlights({ from: day, to: end < to ? end : to, timeZones })
  }
}

type AssembleRows = { project: Project; names: readonly string[]; windows: OfflineWindows; flights: readonly Flight[] }

async function assembleRows({ project, names, windows, flights }: AssembleRows): Promise<TrainingRow[]> {
  const assembler = createAssembler({ project, model: project.models.get('flight-delay')!, names })
  const online = new Map<string, WindowValues>()
  for (const read of assembler.onlineReads('departure')) online.set(`${read.view} ${read.role}`, await windows.read(read, flights))
  return flights.map((flight, index) => {
    const served = assembler.assemble({
      anchor: 'departure',
      anchorTimeMs: flight.departureMs,
      entities: { origin: flight.origin, destination: flight.destination },
      features: { distance: flight.distance },
      online: (view, role) => online.get(`${view} ${role}`)?.[index],
    })
    const values = new Map(served.map(({ name, value }) => [name, value]))
    return { flight, features: names.map((name) => toNumber(values.get(name))) }
  })
}

function toNumber(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN
}

export type WriteRows = { project: Project; names: readonly string[]; span: Span; dir: string; split: string; onRows(rows: number): void }

/**
 * Writes a split for the trainer: `<split>.features.f32`, row after row of little-endian float32 as the model will see
 * them, and `<split>.late.u8`. A flight with an impossible delay has no label, and so no row.
 */
export async function writeRows({ project, names, span, dir, split, onRows }: WriteRows): Promise<RowsSummary> {
  const features = createWriteStream(join(dir, `${split}.features.f32`))
  const labels = createWriteStream(join(dir, `${split}.late.u8`))
  const hash = createHash('sha256')
  const summary: RowsSummary = { rows: 0, sha256: '', anchorFromMs: Infinity, anchorToMs: -Infinity }
  const { min = -Infinity, max = Infinity } = project.sources.get('flight_landed')!.values['delay_minutes']!
  for await (const chunk of trainingRows(project, names, span)) {
    const rows = chunk.filter(({ flight }) => flight.delayMinutes >= min && flight.delayMinutes <= max)
    const bytes = new Uint8Array(Float32Array.from(rows.flatMap((row) => row.features)).buffer)
    const late = Uint8Array.from(rows, ({ flight }) => Number(flight.late))
    hash.update(bytes).update(late)
    if (!features.write(bytes)) await once(features, 'drain')
    labels.write(late)
    summary.rows += rows.length
    summary.anchorFromMs = Math.min(summary.anchorFromMs, rows[0]?.flight.departureMs ?? Infinity)
    summary.anchorToMs = Math.max(summary.anchorToMs, rows.at(-1)?.flight.departureMs ?? -Infinity)
    onRows(summary.rows)
  }
  await Promise.all([once(features.end(), 'finish'), once(labels.end(), 'finish')])
  return { ...summary, sha256: hash.digest('hex') }
}
