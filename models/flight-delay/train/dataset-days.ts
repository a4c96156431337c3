import { ServiceError } from '../../../contracts/errors.ts'

const dayMs = 86_400_000

/** The first and the last local day that the file of flights holds. */
const datasetDays = { first: '2001-01-01', last: '2001-06-30' }

/** The local day `days` after another. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * dayMs).toISOString().slice(0, 10)
}

/** Throws `invalid_config` unless there are flights of `days` days from `day` on, written as 2001-06-04. */
export function requireDatasetDays({ day, days }: { day: string; days: number }): void {
  const { first, last } = datasetDays
  const daysLeft = (Date.parse(last) - Date.parse(day)) / dayMs + 1
  if (day >= first && days <= daysLeft) return
  throw new ServiceError('invalid_config', `the flights of the demo go from ${first} to ${last}: --day ${day} --days ${days} leaves them`)
}
