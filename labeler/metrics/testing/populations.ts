import type { Population } from './simulated-rows.ts'

const half = 0
/** The logit around which about 2 % of rows are positive. */
const rare = -4.75

/** The populations of docs/evaluation.md. */
export const populations: readonly Population[] = [
  { name: '5000 independent rows half positive', n: 5000, rowsPerEntity: 1, days: 60, centre: half },
  { name: '5000 independent rows 2 % positive', n: 5000, rowsPerEntity: 1, days: 60, centre: rare },
  { name: '200 independent rows half positive', n: 200, rowsPerEntity: 1, days: 60, centre: half },
  { name: '200 independent rows 2 % positive', n: 200, rowsPerEntity: 1, days: 60, centre: rare },
  { name: '250 entities half positive', n: 5000, rowsPerEntity: 20, days: 60, centre: half },
  { name: '250 entities 2 % positive', n: 5000, rowsPerEntity: 20, days: 60, centre: rare },
  { name: '10 entities half positive', n: 5000, rowsPerEntity: 500, days: 60, centre: half },
  { name: '250 entities and days that differ', n: 5000, rowsPerEntity: 20, days: 60, centre: half, dayShock: 0.5 },
]
