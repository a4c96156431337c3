declare const int64: unique symbol

/** A number in a column of 64 bits, which ClickHouse's JSON gives back as text. */
export type Int64 = number & { readonly [int64]: true }

/** A row as ClickHouse's JSON gives it back. */
export type Stored<Row> = Row extends Int64
  ? string
  : Row extends string | number | boolean | null
    ? Row
    : { [Column in keyof Row]: Stored<Row[Column]> }

/** Every field that an event's contract names, null where the event is without it: one that is left out does not compile. */
export type EventFields<Event> = {
  [Field in keyof Event as string extends Field ? never : Field]-?: undefined extends Event[Field]
    ? Exclude<Event[Field], undefined> | null
    : Event[Field]
}

/** The event of these fields, without those that are null. */
export function toEvent<Event>(fields: EventFields<Event>): Event {
  // A loop is used because a store is rebuilt from millions of events, and `Object.entries` takes ten times as long.
  const all = fields as Readonly<Record<string, unknown>>
  const event: Record<string, unknown> = {}
  for (const name in all) if (all[name] !== null) event[name] = all[name]
  return event as Event
}
