import type { Project } from '../../../platform/project/project.ts'
import { offlineScores } from './offline-scores.ts'
import type { Span } from './training-rows.ts'

/** Sums over flights: of version 2's squared errors less version 1's, and of the squared distances of their scores. */
export type Differences = { flights: number; difference: number; distance: number }

/** How version 2 did beside version 1 on the flights of one UTC day of departure, and on those of each airport of a role. */
export type DayDifferences = Differences & {
  day: string
  /** The sum of version 1's squared errors. */
  loss: number
  origin: Record<string, Differences>
  destination: Record<string, Differences>
}

/** The whole UTC days of the span; the first and the last, which local days cut, are left out. */
export async function dayDifferences(project: Project, span: Span): Promise<DayDifferences[]> {
  const days = new Map<string, DayDifferences>()
  for await (const rows of offlineScores(project, span)) {
    for (const { flight, scores } of rows) {
      const day = new Date(flight.departureMs).toISOString().slice(0, 10)
      const sums = days.get(day) ?? { ...nothing(), day, loss: 0, origin: {}, destination: {} }
      days.set(day, sums)
      const [first, second] = [scores['1']!, scores['2']!]
      const loss = (first - Number(flight.late)) ** 2
      sums.loss += loss
      const added = { difference: (second - Number(flight.late)) ** 2 - loss, distance: (second - first) ** 2 }
      add(sums, added)
      for (const role of ['origin', 'destination'] as const) add((sums[role][flight[role]] ??= nothing()), added)
    }
  }
  return [...days.values()].toSorted((a, b) => (a.day < b.day ? -1 : 1)).slice(1, -1)
}

function nothing(): Differences {
  return { flights: 0, difference: 0, distance: 0 }
}

function add(sums: Differences, { difference, distance }: Omit<Differences, 'flights'>): void {
  sums.flights += 1
  sums.difference += difference
  sums.distance += distance
}
