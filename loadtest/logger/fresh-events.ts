import { encodePredictionEvent, predictionEventV1 } from '../../contracts/prediction-event.ts'
import type { LogRecord } from '../../platform/event-log/event-log.ts'

export type FreshEvent = { id: string; payload: string }

/** Makes events of recorded ones, each under an id of its own, so that no round merges with another's rows. */
export function freshEvents(recorded: readonly LogRecord[], { count, newId }: { count: number; newId: () => string }): FreshEvent[] {
  const templates = recorded.slice(0, 2_000).map(({ payload }) => predictionEventV1.parse(JSON.parse(Buffer.from(payload).toString())))
  return Array.from({ length: count }, (_item, index) => {
    const { payload_hash: _hash, ...template } = templates[index % templates.length]!
    const id = newId()
    return {
      id,
      payload: encodePredictionEvent({ ...template, prediction_id: id, decision_id: newId(), request_id: newId() }),
    }
  })
}
