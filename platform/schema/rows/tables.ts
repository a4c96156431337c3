import type { toDeliveredRows } from './delivered-rows.ts'
import type { FateRow } from './fate-row.ts'
import type { FeatureEventRow } from './feature-event-row.ts'
import type { LabelRow } from './label-row.ts'
import type { PayloadRow } from './payload-row.ts'
import type { PredictionRow } from './prediction-row.ts'
import type { RejectRow } from './reject-row.ts'
import type { SealRow } from './seal-row.ts'
import type { toSettledRows } from './settled-rows.ts'

type BronzeRows = {
  'bronze.prediction_payloads': PayloadRow<'prediction_id' | 'retention_until'>
  'bronze.label_payloads': PayloadRow<'label_id'>
  'bronze.feature_payloads': PayloadRow<'event_id'>
  'bronze.prediction_events': PredictionRow
  'bronze.label_events': LabelRow
  'bronze.feature_events': FeatureEventRow
  'bronze.prediction_fates': FateRow
  'bronze.rejects': RejectRow
  'bronze.seals': SealRow
  'bronze.settled': ReturnType<typeof toSettledRows>[number]
  'bronze.delivered': ReturnType<typeof toDeliveredRows>[number]
}

export type BronzeTable = keyof BronzeRows

/** A row and the table it belongs to. */
export type TableRow = { [Table in BronzeTable]: { table: Table; row: BronzeRows[Table] } }[BronzeTable]

/** The tables in the order in which a batch is stored: an event after its payload, and last, that all of it was. */
export const bronzeTables: readonly BronzeTable[] = [
  'bronze.prediction_payloads',
  'bronze.label_payloads',
  'bronze.feature_payloads',
  'bronze.prediction_events',
  'bronze.label_events',
  'bronze.feature_events',
  'bronze.prediction_fates',
  'bronze.rejects',
  'bronze.seals',
  'bronze.settled',
  'bronze.delivered',
]

/** Settings of an insert: confirmed when stored, and numbers keep every bit. */
export const insertSettings = { async_insert: 0, precise_float_parsing: 1, input_format_import_nested_json: 0 } as const
