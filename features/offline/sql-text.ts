/** A string literal of ClickHouse SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** Milliseconds since the epoch, of any date-time expression; sub-milliseconds are cut as `Date.parse` cuts them. */
export function milliseconds(expression: string): string {
  return `toUnixTimestamp64Milli(toDateTime64(${expression}, 3, 'UTC'))`
}

/** `floor(x / step) * step`, also below zero. */
export function floorTo(expression: string, step: number): string {
  return `(${expression} - positiveModulo(${expression}, ${step}))`
}
