import type { AcceptedResponse, PredictResponse } from '../../../contracts/http.ts'

/** What the client sent under one id and what it was told. `answer` is there for a 2xx only. */
export type Attempt<Sent, Answer> = {
  id: string
  sent: Sent
  answer?: Answer
  /** The time from the moment it was due, so that a client that is held up counts too. */
  latencyMs?: number
  /** The status it was answered with instead of a 2xx, or the code of the error that kept it from being answered. */
  refusedWith?: string
}

export type SentPrediction = { entities: Record<string, string>; anchor_time: string; features: Record<string, number> }
export type SentLabel = { label: string; request_id: string; value_number: number; event_time: string; known_at: string }
export type SentEvent = { keys: Record<string, string>; values: Record<string, number>; event_time: string; known_at: string }

export type PredictionAttempt = Attempt<SentPrediction, PredictResponse>
export type LabelAttempt = Attempt<SentLabel, AcceptedResponse>
export type EventAttempt = Attempt<SentEvent, AcceptedResponse>

/** All that one round's client did. Ids begin with the round's prefix. */
export type Ledger = {
  prefix: string
  predictions: Map<string, PredictionAttempt>
  labels: Map<string, LabelAttempt>
  events: Map<string, EventAttempt>
  /** The code of each record that must end in rejects, by `lane/id`. */
  poison: Map<string, string>
}

export function createLedger(prefix: string): Ledger {
  return { prefix, predictions: new Map(), labels: new Map(), events: new Map(), poison: new Map() }
}

/** An item that broke its definition: answered with 202, and promised to be kept as a reject. */
export function isRejected({ answer }: LabelAttempt | EventAttempt): boolean {
  return (answer?.rejected.length ?? 0) > 0
}

export function countAttempts({ predictions, labels, events }: Ledger): { attempted: number; answered: number } {
  const all = [...predictions.values(), ...labels.values(), ...events.values()]
  return { attempted: all.length, answered: all.filter(({ answer }) => answer !== undefined).length }
}

/** How often each status or error stood in the place of an answer. */
export function countRefusals({ predictions, labels, events }: Ledger, into: Record<string, number>): void {
  for (const { refusedWith } of [...predictions.values(), ...labels.values(), ...events.values()])
    if (refusedWith !== undefined) into[refusedWith] = (into[refusedWith] ?? 0) + 1
}

/** How long each prediction's answer took; infinite for one that was not answered. */
export function latenciesOf({ predictions }: Ledger): number[] {
  return [...predictions.values()].map(({ latencyMs }) => latencyMs ?? Infinity)
}
