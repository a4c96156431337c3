import type { UnsealedPredictionEvent } from '../../contracts/prediction-event.ts'
import type { Durability, EventLogWriter } from '../../platform/event-log/event-log.ts'
import { toLogRecord } from './event.ts'

/** Makes the events of a request durable, together and in order. Rejects with `outbox_unavailable`. */
export function appendEvents(
  eventLog: EventLogWriter,
  { events, durability }: { events: readonly UnsealedPredictionEvent[]; durability: Durability },
): Promise<unknown> {
  return eventLog.append('predictions', events.map(toLogRecord), { durability })
}
