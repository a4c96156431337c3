const hourMs = 3_600_000

/** The time, moved back to the beginning of its hour: an outbox seals when an hour ends, and a test that counts records ends before. */
export function withinHour(): () => number {
  const sinceHourMs = Date.now() % hourMs
  return () => Date.now() - sinceHourMs
}
