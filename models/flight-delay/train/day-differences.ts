import type { Project } from '../../../platform/project/project.ts'
import { offlineScores } from './offline-scores.ts'
import type { Span } from './training-rows.ts'

/** Sums over the flights of one airport on one day. */
export type AirportDifferences = { flights: number; difference: number }

/** How version 2 did beside version 1 on the flights of one UTC day of departure: sums of squared errors, by airport of each role. */
export type DayDifferences = {
  day: string
  flights: number
  /** The sum of version 1's squared errors. */
  loss: number
  /** The sum of version 2's squared errors less version 1's. */
  difference: number
  origin: Record<string, AirportDifferences>
  destination: Record<string, AirportDifferences>
}

/** The whole UTC days of the span; the first and the last, which local days cut, are left out. */
export async function dayDifferences(project: Project, span: Span): Promise<DayDifferences[]> {
  const days = new Map<string, DayDifferences>()
  for await (const rows of offlineScores(project, span)) {
    for (const { flight, scores } of rows) {
      const day = new Date(flight.departureMs).toISOString().slice(0, 10)
      const sums = days.get(day) ?? { day, flights: 0, loss: 0, difference: 0, origin: {}, destination: {} }
      days.set(day, sums)
      const loss = (scores['1']! - Number(flight.late)) ** 2
      const difference = (scores['2']! - Number(flight.late)) ** 2 - loss
      sums.flights += 1
      sums.loss += loss
      sums.difference += difference
      for (const role of ['origin', 'destination'] as const) {
        const airport = (sums[role][flight[role]] ??= { flights: 0, difference: 0 })
        airport.flights += 1
        airport.difference += difference
      }
    }
  }
  return [...days.values()].toSorted((a, b) => (a.day < b.day ? -1 : 1)).slice(1, -1)
}
