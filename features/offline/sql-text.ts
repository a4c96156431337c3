/** A string literal of ClickHouse SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** Milliseconds since the epoch, of any date-time expression; sub-milliseconds are cut as `Date.parse` cuts them. */
export function milliseconds(expression: string): string {
  return `toUnixTimestamp64Milli(toDateTime64(${expression}, 3, 'UTC'))`
}

/**
 * `floor(x / step) * step` of an Int64, also below zero. The step is signed, because a literal over 2^32 is a UInt64, and
 * ClickHouse takes remainders by those of a negative number as if it were a large one (ClickHouse issue 119587).
 */
export function floorTo(expression: string, step: number): string {
  return `(${expression} - positiveModulo(${expression}, toInt64(${step})))`
}
