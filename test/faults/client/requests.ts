import type { Random } from '../random.ts'
import type { SentEvent, SentLabel, SentPrediction } from './ledger.ts'

/** The airports of all requests: few, so that each gathers events, and each with a time zone in the project. */
export const airports = ['ATL', 'ORD', 'DFW', 'LAX', 'PHX', 'DEN', 'SFO', 'SEA'] as const

/** The business time of all that is sent: facts lie in the three hours before it, predictions are made at it. */
export const anchorTimeMs = Date.UTC(2001, 5, 4, 18)
const factsFromMs = anchorTimeMs - 170 * 60_000

export const outOfRange = { label: 7, delay_minutes: 9_999 } as const

export function predictionOf(random: Random): SentPrediction {
  return { entities: route(random), anchor_time: iso(anchorTimeMs), features: { distance: random.int(200, 2_500) } }
}

/** A label, of which about one in twenty breaks its definition. */
export function labelOf(random: Random, requestId: string): SentLabel {
  const landed = iso(anchorTimeMs + random.int(30, 400) * 60_000)
  const value = random.next() < 0.05 ? outOfRange.label : random.int(0, 1)
  return { label: 'arrived_late', request_id: requestId, value_number: value, event_time: landed, known_at: landed }
}

/** A feature event, of which about one in twenty breaks its definition. */
export function eventOf(random: Random): SentEvent {
  const landed = iso(random.int(factsFromMs, anchorTimeMs - 1_000))
  const delay = random.next() < 0.05 ? outOfRange.delay_minutes : random.int(-30, 120)
  return { keys: route(random), values: { delay_minutes: delay }, event_time: landed, known_at: landed }
}

function route(random: Random): { origin: string; destination: string } {
  const origin = random.pick(airports)
  return { origin, destination: random.pick(airports.filter((airport) => airport !== origin)) }
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
