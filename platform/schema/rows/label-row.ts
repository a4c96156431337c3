import type { LabelEvent } from '../../../contracts/label-event.ts'
import type { LogRecord } from '../../event-log/event-log.ts'
import { toColumnTime } from '../../warehouse/column-time.ts'
import { toStamp } from './stamp.ts'
import { type Stored, toEvent } from './stored.ts'

/** A row of `bronze.label_events`. */
export type LabelRow = ReturnType<typeof toLabelRow>

export function toLabelRow(event: LabelEvent, record: LogRecord) {
  const { label_id, tenant, payload_hash, label, retracted, tags } = event
  return {
    label_id,
    tenant,
    payload_hash,
    label,
    retracted,
    tags,
    prediction_id: event.prediction_id ?? null,
    request_id: event.request_id ?? null,
    index: event.index ?? null,
    entities: event.entities ?? {},
    anchor: event.anchor ?? null,
    anchor_time: event.anchor_time === undefined ? null : toColumnTime(event.anchor_time),
    value_number: event.value_number ?? null,
    value_text: event.value_text ?? null,
    event_time: toColumnTime(event.event_time),
    known_at: toColumnTime(event.known_at),
    ingested_at: toColumnTime(event.ingested_at),
    source_kind: event.source.kind,
    source_name: event.source.name,
    source_labeler: event.source.labeler ?? null,
    confidence: event.confidence ?? null,
    supersedes: event.supersedes ?? null,
    ...toStamp(record),
  }
}

type ContentField = 'prediction_id' | 'request_id' | 'entities' | 'value_number' | 'value_text' | 'retracted'

/** Whom a label is about and what it says, of the columns that say so. */
export function toLabelContent(row: Pick<Stored<LabelRow>, ContentField>): Pick<LabelEvent, ContentField> {
  const { prediction_id, request_id, entities, value_number, value_text, retracted } = row
  const named = Object.keys(entities).length === 0 ? null : entities
  return toEvent<Pick<LabelEvent, ContentField>>({ prediction_id, request_id, entities: named, value_number, value_text, retracted })
}
