/**
 * `2001-06-04 12:00:00.000`, in UTC: how a DateTime64(3) is written to ClickHouse, from milliseconds or from RFC 3339 with any
 * offset and precision. Throws a RangeError on what is no time.
 */
export function toColumnTime(time: string | number): string {
  const text = typeof time === 'string' && time.length === 24 && time.endsWith('Z') ? time : new Date(time).toISOString()
  return `${text.slice(0, 10)} ${text.slice(11, 23)}`
}

/** A time that ClickHouse gave, as RFC 3339. */
export function fromColumnTime(columnTime: string): string {
  return `${columnTime.replace(' ', 'T')}Z`
}
