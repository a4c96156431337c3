/** Names in `gold` that are Hindsight's own, or are to be. */
const reservedViews: ReadonlySet<string> = new Set(['predictions', 'evaluations', 'drift', 'skew', 'runs'])

/** The typed view of a model in `gold`: `flight-delay` as `flight_delay`. */
export function typedViewName(model: string): string {
  return model.replaceAll('-', '_')
}

export function isReservedView(name: string): boolean {
  return reservedViews.has(name)
}
