/** Flights between real airports, as bodies of the example model's requests, and landings that fill its windows. */
export const airports = ['ATL', 'ORD', 'DFW', 'LAX', 'PHX', 'DEN', 'MSP', 'DTW', 'SFO', 'SEA']
const departureMs = Date.UTC(2001, 5, 4, 12)
const minuteMs = 60_000

export const predictPath = '/v1/models/flight-delay/predict'

/** Bodies to send in turn. */
export function predictBodies(): string[] {
  return Array.from({ length: 500 }, (_, index) => predictBody(index))
}

export function predictBody(index: number): string {
  // The deadline is long, because what is measured is how much is answered, not how much in time.
  return JSON.stringify({ ...flight(index), tags: ['bench'], options: { timeout_ms: 5000 } })
}

/** Bodies of so many flights each, under the model's own deadline, to send in turn; `tag` finds their rows. */
export function taggedBodies({ instances, tag }: { instances: number; tag: string }): string[] {
  return Array.from({ length: 500 }, (_, index) => {
    const flights = Array.from({ length: instances }, (_flight, place) => ({ ...flight(index * instances + place), tags: [tag] }))
    return JSON.stringify(instances === 1 ? flights[0] : { instances: flights })
  })
}

function flight(index: number) {
  const features = { distance: 200 + ((index * 37) % 2000) }
  return { entities: routeOf(index), anchor_time: new Date(departureMs).toISOString(), features }
}

function landingsBody(count: number): string {
  const events = Array.from({ length: count }, (_, index) => {
    const landed = new Date(departureMs - (5 + (index % 170)) * minuteMs).toISOString()
    const values = { delay_minutes: (index % 60) - 10 }
    return { event_id: `landed-${index}`, keys: routeOf(index), values, event_time: landed, known_at: landed }
  })
  return JSON.stringify({ events })
}

function routeOf(index: number): { origin: string; destination: string } {
  const origin = index % airports.length
  const destination = (origin + 1 + ((index * 7) % (airports.length - 1))) % airports.length
  return { origin: airports[origin] as string, destination: airports[destination] as string }
}

const landings = 200

/** Events of a source that fill a project's windows. */
export type Filling = { source: string; bodies: readonly string[] }

export const landingsFilling: Filling = { source: 'flight_landed', bodies: [landingsBody(landings)] }

/** Sends events to a gateway and waits until its features have them. */
export async function fillWindows(url: string, { source, bodies } = landingsFilling): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  for (const body of bodies) {
    const answer = await fetch(`${url}/v1/events/${source}?wait=applied&timeout_ms=30000`, { method: 'POST', headers, body })
    const text = await answer.text()
    const { applied } = JSON.parse(text) as { applied?: boolean }
    if (applied !== true) throw new Error(`the events were not applied: ${answer.status} ${text}`)
  }
}
