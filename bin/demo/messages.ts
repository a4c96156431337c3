import type { FeatureEventFields } from '../../contracts/feature-event.ts'
import type { PredictRequest } from '../../contracts/http.ts'
import type { LabelFields } from '../../contracts/label-event.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import type { Flight } from '../../models/flight-delay/train/flights.ts'
import type { StoredFlight } from './stored-ids.ts'

// The id of a flight is the id of each of its messages, so that sending one twice changes nothing.

/** Tells the day's predictions from everybody else's. */
export function tagOf({ id }: Flight): string {
  return `departures-${id.slice(0, '2001-06-04'.length)}`
}

export function toPredictRequest(flight: Flight): Omit<PredictRequest, 'anchor'> {
  return {
    request_id: flight.id,
    entities: { origin: flight.origin, destination: flight.destination },
    anchor_time: toTimestamp(flight.departureMs),
    features: { distance: flight.distance },
    tags: [tagOf(flight)],
  }
}

/**
 * The Idempotency-Key of a flight's request: the same each time it is sent, so that it is answered once. What was answered but is
 * not whole is asked again, under a key of its own.
 */
export function toIdempotencyKey({ id }: Flight, stored: StoredFlight | undefined): string {
  return stored === undefined || stored.counted === 0 ? id : `${id}/${stored.attempts}`
}

export function toFeatureEvent(flight: Flight): FeatureEventFields {
  const landed = toTimestamp(flight.landingMs)
  return {
    event_id: flight.id,
    keys: { origin: flight.origin, destination: flight.destination },
    values: { delay_minutes: flight.delayMinutes },
    event_time: landed,
    known_at: landed,
  }
}

export function toLabel(flight: Flight): LabelFields {
  const landed = toTimestamp(flight.landingMs)
  return {
    label_id: flight.id,
    label: 'arrived_late',
    request_id: flight.id,
    value_number: Number(flight.late),
    event_time: landed,
    known_at: landed,
    source: { kind: 'outcome', name: 'flight-operations' },
  }
}
