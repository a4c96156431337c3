import type { Origin } from '../../contracts/origin.ts'
import type { UnsealedPredictionEvent } from '../../contracts/prediction-event.ts'
import type { Durability } from '../../platform/event-log/event-log.ts'
import type { Fates } from '../fates/fates.ts'
import { toLogRecord } from './event.ts'

type Events = { events: readonly UnsealedPredictionEvent[]; durability: Durability; awaitsFate: boolean }

/** Makes the events of a request durable, together and in order. Rejects with `outbox_unavailable`. */
export function appendEvents(fates: Pick<Fates, 'append'>, { events, durability, awaitsFate }: Events): Promise<Origin[]> {
  const records = events.map((event) => toLogRecord(event, awaitsFate))
  return fates.append(records, { durability })
}
