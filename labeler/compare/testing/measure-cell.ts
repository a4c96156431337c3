import type { Cell } from './cells.ts'
import { createRandom } from './random.ts'
import { type Called, type Course, simulateCourse } from './simulation.ts'
import { blockDays } from './worlds.ts'

const days = 30

/** Of all comparisons, and of the first one since a promotion. */
const levels = [0.05, 0.025]

/** What was called within 30 days, as shares of the simulations. */
export type Measured = {
  name: string
  level: number
  simulations: number
  called: number
  calledBetter: number
  /** The median day of a call; undefined without one. */
  medianDay?: number
  /** What either gate would have called alone. */
  blocksAlone: number
  clustersAlone: number
  expected: string
  kept: boolean | undefined
}

export const csvHeader = 'setting,level,simulations,ever_called,called_better,median_day,block_gate_alone,cluster_gate_alone,expected,kept'

/** Every cell draws from seeds of its own, which are the same in each run. */
export function measureCell(cell: Cell, simulations: number): Measured[] {
  const courses = Array.from({ length: simulations }, (_, run) =>
    simulateCourse(cell.world, createRandom(run + 1), {
      blocks: days / blockDays,
      levels,
      ...(cell.unguarded === true && { unguarded: true }),
    }),
  )
  return levels.map((level, index) =>
    summarize(
      cell,
      level,
      courses.map((course) => course[index]!),
    ),
  )
}

function summarize({ name, most, least }: Cell, level: number, courses: readonly Course[]): Measured {
  const share = (of: (course: Course) => boolean) => courses.filter(of).length / courses.length
  const called = share(({ both }) => both.side !== 0)
  const calledBetter = share(({ both }) => both.side < 0)
  const judged = level === levels[0]
  const medianDay = medianDayOf(courses.map(({ both }) => both))
  return {
    name,
    level,
    simulations: courses.length,
    called,
    calledBetter,
    ...(medianDay !== undefined && { medianDay }),
    blocksAlone: share(({ blocksAlone }) => blocksAlone.side !== 0),
    clustersAlone: share(({ clustersAlone }) => clustersAlone.side !== 0),
    expected: judged ? expectationOf({ most, least }) : '',
    kept: !judged || (most ?? least) === undefined ? undefined : called <= (most ?? 1) && calledBetter >= (least ?? 0),
  }
}

function expectationOf({ most, least }: { most: number | undefined; least: number | undefined }): string {
  if (most !== undefined) return `ever called <= ${most}`
  return least === undefined ? 'reported only' : `called better >= ${least}`
}

function medianDayOf(called: readonly Called[]): number | undefined {
  const sorted = called.flatMap(({ side, blocks }) => (side === 0 ? [] : [blocks * blockDays])).toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

export function toCsvLine(measured: Measured): string {
  const { name, level, simulations, called, calledBetter, medianDay, blocksAlone, clustersAlone, expected, kept } = measured
  const shares = [called, calledBetter, medianDay ?? '', blocksAlone, clustersAlone].map((value) => String(value))
  return [`"${name}"`, level, simulations, ...shares, expected, kept === undefined ? '' : kept ? 'yes' : 'no'].join(',')
}
