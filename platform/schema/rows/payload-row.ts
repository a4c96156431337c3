import type { LogRecord } from '../../event-log/event-log.ts'
import { toStamp } from './stamp.ts'

type Key<Column extends string> = { [Name in Column | 'tenant' | 'payload_hash']: string }

/** A row of a table of payloads: the record's text as it came, under the key of its event. */
export type PayloadRow<Column extends string> = Key<Column> & { payload: string } & ReturnType<typeof toStamp>

export function toPayloadRow<Column extends string>(from: { key: Key<Column>; record: LogRecord; text: string }): PayloadRow<Column> {
  return { ...from.key, payload: from.text, ...toStamp(from.record) }
}
