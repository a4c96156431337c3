/** Requests about invented flights between real airports, for tests that look at what becomes of them. */
export type FlightRequest = {
  request_id: string
  entities: { origin: string; destination: string }
  anchor_time: string
  features: { distance: number }
}

const airports = ['ATL', 'ORD', 'DFW', 'LAX', 'PHX', 'DEN', 'MSP', 'DTW', 'SFO', 'SEA']
const firstDepartureMs = Date.UTC(2001, 5, 4, 12)

export function flightRequest(index: number, prefix = 'flight'): FlightRequest {
  const origin = airports[index % airports.length] ?? 'ATL'
  const destination = airports[(index * 7 + 3) % airports.length] ?? 'ORD'
  return {
    request_id: `${prefix}-${index}`,
    entities: { origin, destination: destination === origin ? 'JFK' : destination },
    anchor_time: new Date(firstDepartureMs + index * 1000).toISOString(),
    features: { distance: 200 + ((index * 37) % 2000) },
  }
}

/** The flight's label, known an hour after it left; every third was late. */
export function flightLabel(request: FlightRequest, index: number): object {
  const landed = new Date(Date.parse(request.anchor_time) + 3_600_000).toISOString()
  return {
    label_id: `label-${request.request_id}`,
    label: 'arrived_late',
    request_id: request.request_id,
    value_number: index % 3 === 0 ? 1 : 0,
    event_time: landed,
    known_at: landed,
    source: { kind: 'outcome', name: 'test' },
  }
}

/** A flight that landed just before the first request, at a place by its index. */
export function landedFlight(index: number): object {
  const { entities } = flightRequest(index)
  const landed = new Date(firstDepartureMs - (index + 1) * 60_000).toISOString()
  return { event_id: `landed-${index}`, keys: entities, values: { delay_minutes: (index % 60) - 10 }, event_time: landed, known_at: landed }
}
