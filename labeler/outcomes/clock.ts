/**
 * The two clocks by which outcomes are told, as a time `T` of type `Time`. `asOf`: what was said at T, of what had been recorded by then.
 * `knownAsOf`: what is known today about what could be known at T, whenever it was recorded.
 */
export type ClockOf<Time extends number | string> = { asOf: Time; knownAsOf?: never } | { knownAsOf: Time; asOf?: never }

/** A clock in milliseconds since the epoch. */
export type Clock = ClockOf<number>

/** A clock as an expression of type DateTime64(3, 'UTC'). */
export type SqlClock = ClockOf<string>

export function timeOf<Time extends number | string>(clock: ClockOf<Time>): Time {
  return (clock.asOf ?? clock.knownAsOf) as Time
}
