import type { FeatureEvent } from '../../contracts/feature-event.ts'
import type { Origin } from '../../contracts/origin.ts'
import { compareUtf8, type Value } from './block.ts'

/** The order of records with the same event_id, of which the smallest stands. */
export type FactOrder = { ingestedAtMs: number; writerId: string; epoch: number; seq: number }

/** A feature event as the engine takes it, times in milliseconds. One with `retracts` only withdraws: it counts nowhere. */
export type Fact = FactOrder & {
  tenant: string
  source: string
  id: string
  keys: Readonly<Record<string, string>>
  values: Readonly<Record<string, Value>>
  eventTimeMs: number
  knownAtMs: number
  retracts?: string
}

export function compareOrder(a: FactOrder, b: FactOrder): number {
  return a.ingestedAtMs - b.ingestedAtMs || compareUtf8(a.writerId, b.writerId) || a.epoch - b.epoch || a.seq - b.seq
}

export function toFact(event: FeatureEvent, origin: Pick<Origin, 'writer_id' | 'epoch' | 'seq'>): Fact {
  const values: Record<string, Value> = {}
  for (const name in event.values) {
    const value = event.values[name]!
    values[name] = typeof value === 'boolean' ? Number(value) : value
  }
  return {
    tenant: event.tenant,
    source: event.source,
    id: event.event_id,
    keys: event.keys,
    values,
    eventTimeMs: Date.parse(event.event_time),
    knownAtMs: Date.parse(event.known_at),
    ingestedAtMs: Date.parse(event.ingested_at),
    ...(event.retracts === undefined ? {} : { retracts: event.retracts }),
    writerId: origin.writer_id,
    epoch: origin.epoch,
    seq: origin.seq,
  }
}
