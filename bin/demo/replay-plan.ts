import { compileView } from '../../features/engine/compile-view.ts'
import type { Project } from '../../platform/project/project.ts'
import { addDays } from '../../models/flight-delay/train/dataset-days.ts'
import { type Flight, readFlights } from '../../models/flight-delay/train/flights.ts'

/** The example's model, which the demo is about. */
export const model = 'flight-delay'

/** One step of the simulated clock: what lands in it is told first, then what departs in it is predicted. */
export type ReplayStep = { startMs: number; landings: Flight[]; departures: Flight[] }

export type ReplayPlan = {
  steps: ReplayStep[]
  /** The flights to predict. */
  flights: Flight[]
  /** Anchor times of the flights: `to` is exclusive. */
  anchorFromMs: number
  anchorToMs: number
  /** The event times of the landings: `to` is exclusive. */
  landingFromMs: number
  landingToMs: number
  /** Whether the gateway takes the flight's delay; one that it refuses has no label. */
  isPossible(flight: Flight): boolean
}

/** A step is five minutes, the hop of the windows. */
const stepMs = 300_000
const hourMs = 3_600_000

export type PlanOptions = {
  project: Project
  /** First local day of departure, as 2001-06-04. */
  day: string
  /** The day after the last; by default the day after the first. */
  toDay?: string
  /** Leaves out what departs later than so many hours after the first departure. */
  hours?: number | undefined
}

/**
 * Plans the replay of local days, whole or their first hours. Landings begin one window before the first departure, so that early windows are
 * full, include those of other days' flights, and go on until the last planned flight is down.
 */
export async function planReplay({ project, day, toDay = addDays(day, 1), hours = Infinity }: PlanOptions): Promise<ReplayPlan> {
  const timeZones = project.lookups.get('airport_time_zones')!.values
  const around = await readFlights({ from: addDays(day, -1), to: addDays(toDay, 1), timeZones })
  const ofDays = around.filter(({ id }) => id >= day && id < toDay)
  const anchorFromMs = ofDays[0]?.departureMs ?? 0
  const flights = ofDays.filter(({ departureMs }) => departureMs < anchorFromMs + hours * hourMs)
  if (flights.length === 0) throw new Error(`no flight left on ${day}`)
  const planned = new Set(flights)
  const anchorToMs = flights.at(-1)!.departureMs + 1
  const landingFromMs = anchorFromMs - longestWindowMs(project)
  const landings = around.filter((flight) => flight.landingMs >= landingFromMs && (flight.landingMs < anchorToMs || planned.has(flight)))
  const { min = -Infinity, max = Infinity } = project.sources.get('flight_landed')!.values['delay_minutes']!
  return {
    steps: toSteps(flights, landings, anchorFromMs),
    flights,
    anchorFromMs,
    anchorToMs,
    landingFromMs,
    landingToMs: landings.reduce((latest, { landingMs }) => Math.max(latest, landingMs + 1), anchorToMs),
    isPossible: ({ delayMinutes }) => delayMinutes >= min && delayMinutes <= max,
  }
}

/** How far back the widest window of any view reaches. */
function longestWindowMs({ views, sources }: Project): number {
  return Math.max(0, ...[...views.values()].map((view) => compileView(view, sources.get(view.source)!).reachMs))
}

/** What landed before the first departure is told in the first step, in one go. */
function toSteps(departures: readonly Flight[], landings: readonly Flight[], firstMs: number): ReplayStep[] {
  const steps = new Map<number, ReplayStep>()
  const stepAt = (timeMs: number): ReplayStep => {
    const startMs = Math.floor(Math.max(timeMs, firstMs) / stepMs) * stepMs
    const step = steps.get(startMs) ?? { startMs, landings: [], departures: [] }
    steps.set(startMs, step)
    return step
  }
  for (const flight of landings) stepAt(flight.landingMs).landings.push(flight)
  for (const flight of departures) stepAt(flight.departureMs).departures.push(flight)
  return [...steps.values()].toSorted((a, b) => a.startMs - b.startMs)
}
