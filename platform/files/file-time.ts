import { toUtcMs } from '../time/local-time.ts'

/** How a file writes times that do not say everything themselves. */
export type TimeOptions = {
  /** The unit of times that are numbers since 1970. */
  unit?: TimeUnit | undefined
  /** IANA time zone of times without an offset. */
  timeZone?: string | undefined
}

/** Converts each unit to milliseconds. Seconds with a fraction are rounded: 1.001 times 1000 is a little less than 1001. */
const toMs = {
  s: (value: number) => Math.round(value * 1000),
  ms: Math.floor,
  us: (value: number) => Math.floor(value / 1000),
  ns: (value: number) => Math.floor(value / 1_000_000),
} as const
export type TimeUnit = keyof typeof toMs
export const timeUnits = Object.keys(toMs) as TimeUnit[]

const written =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?(?: ?([Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?$/
const number = /^[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/

/**
 * A time of a file in milliseconds since 1970, or what is wrong with it. A date is the start of its day. Of a local time that the clock
 * shows twice this is the first; one that it skips takes the offset before the change.
 */
export function readTime(value: unknown, { unit, timeZone }: TimeOptions): number | { problem: string } {
  if (typeof value === 'number' || typeof value === 'bigint') return sinceEpoch(Number(value), unit)
  if (typeof value !== 'string') return { problem: 'is no time' }
  if (number.test(value)) return sinceEpoch(Number(value), unit)
  const parts = written.exec(value)
  if (parts === null) return { problem: 'is no time: write it as 2001-06-04T12:00:00Z' }
  const localMs = toLocalMs(parts.slice(1, 8))
  if (localMs === undefined) return { problem: 'is no time: the calendar has no such day or hour' }
  const offset = parts[8]
  if (offset !== undefined) {
    const offsetMs = toOffsetMs(offset)
    return offsetMs === undefined ? { problem: 'is no time: its offset is over a day' } : localMs - offsetMs
  }
  return timeZone === undefined
    ? { problem: 'has no offset from UTC, as Z or +02:00: write one, or say with --time-zone where it is local' }
    : toUtcMs(timeZone, localMs)
}

function sinceEpoch(value: number, unit: TimeUnit | undefined): number | { problem: string } {
  if (unit === undefined) return { problem: 'is a number: say with --time-unit of what (s or ms since 1970)' }
  return Number.isFinite(value) ? toMs[unit](value) : { problem: 'is no time' }
}

/** The wall-clock time as if it were UTC; undefined for one that no calendar has. */
function toLocalMs(parts: readonly (string | undefined)[]): number | undefined {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.slice(0, 6).map((part) => Number(part ?? 0))
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const at = new Date(0)
  at.setUTCFullYear(year, month - 1, day)
  if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day) return undefined
  return at.setUTCHours(hour, minute, second, Number((parts[6] ?? '').padEnd(3, '0').slice(0, 3)))
}

function toOffsetMs(text: string): number | undefined {
  const [, sign, hours, minutes = '00'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(text) ?? []
  if (sign === undefined) return 0
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}
