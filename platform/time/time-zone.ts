const hourMs = 3_600_000

/** Hours remembered per time zone before starting over: 16 months' worth, about 1 MB. */
const maxRememberedHours = 12_000

type Zone = { format: Intl.DateTimeFormat; offsets: Map<number, number> }

const zones = new Map<string, Zone>()

/**
 * Local time minus UTC in milliseconds at an instant, exact across daylight saving. Throws `RangeError` for a name
 * that is no IANA time zone.
 */
export function offsetMs(timeZone: string, timeMs: number): number {
  const zone = zoneOf(timeZone)
  const hour = Math.floor(timeMs / hourMs)
  const known = zone.offsets.get(hour) ?? rememberHour(zone, hour)
  return Number.isNaN(known) ? computeOffsetMs(zone, timeMs) : known
}

/** Hour of the local day, 0 to 23. */
export function localHour(timeZone: string, timeMs: number): number {
  return new Date(timeMs + offsetMs(timeZone, timeMs)).getUTCHours()
}

/** ISO weekday of the local day: 1 is Monday, 7 is Sunday. */
export function localWeekday(timeZone: string, timeMs: number): number {
  return new Date(timeMs + offsetMs(timeZone, timeMs)).getUTCDay() || 7
}

function zoneOf(timeZone: string): Zone {
  const known = zones.get(timeZone)
  if (known !== undefined) return known
  const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const
  const zone = { format: new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...fields }), offsets: new Map() }
  zones.set(timeZone, zone)
  return zone
}

/** Computes and remembers the offset of a whole UTC hour: NaN when it changes within the hour, so that it is computed each time. */
function rememberHour(zone: Zone, hour: number): number {
  const first = computeOffsetMs(zone, hour * hourMs)
  const offset = first === computeOffsetMs(zone, (hour + 1) * hourMs - 1) ? first : Number.NaN
  if (zone.offsets.size >= maxRememberedHours) zone.offsets.clear()
  zone.offsets.set(hour, offset)
  return offset
}

function computeOffsetMs(zone: Zone, timeMs: number): number {
  const second = Math.floor(timeMs / 1000) * 1000
  const part: Record<string, number> = {}
  for (const { type, value } of zone.format.formatToParts(second)) part[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = part
  return Date.UTC(year, month - 1, day, hour, minute, part['second'] ?? 0) - second
}
