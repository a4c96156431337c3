import { toColumnTime } from '../../platform/warehouse/column-time.ts'
import type { FateRecord, LabelStatement, LedgerPrediction } from '../outcomes/outcome.ts'

export type PredictionRow = { prediction_id: string; decision_id: string; anchor_time: string; [column: string]: unknown }

/** A row of bronze.prediction_events with everything that evaluation does not read at some valid value. */
export function predictionRow(row: PredictionRow & { seq: number }): object {
  return {
    tenant: 'default',
    payload_hash: 'a'.repeat(64),
    request_id: `request-${row.decision_id}`,
    index: 0,
    trigger: 'api',
    model: 'delay',
    model_version: '1',
    route: 'champion',
    route_probability: 1,
    anchor: 'request',
    status: 'ok',
    ingested_at: '2026-01-01 00:00:00.000',
    predicted_at: '2026-01-01 00:00:00.000',
    retention_until: '2200-01-01 00:00:00.000',
    writer_id: 'test',
    epoch: 1,
    lane: 'predictions',
    appended_at: '2026-01-01 00:00:00.000',
    ...row,
  }
}

/** The row of bronze.prediction_events of a prediction. */
export function ledgerPredictionRow(prediction: LedgerPrediction): object {
  const { tenant, decisionId, predictionId, model, requestId, index, entities, anchor, anchorTimeMs, question, told, receipt } = prediction
  return predictionRow({
    tenant,
    model,
    index,
    entities,
    anchor,
    seq: receipt.seq,
    writer_id: receipt.writerId,
    epoch: receipt.epoch,
    prediction_id: predictionId,
    decision_id: decisionId,
    request_id: requestId,
    anchor_time: toColumnTime(anchorTimeMs),
    ingested_at: toColumnTime(receipt.ingestedAtMs),
    predicted_at: toColumnTime(prediction.predictedAtMs),
    question_sha256: question ?? null,
    route: told === undefined ? 'shadow' : 'champion',
  })
}

/** The rows of bronze.prediction_fates of a prediction. */
export function fateRows({ tenant, predictionId, told, receipt }: LedgerPrediction): object[] {
  return (told?.records ?? []).map((record, number) => fateRow({ tenant, predictionId, ...record, seq: 1000 * (number + 1) + receipt.seq }))
}

/** Up to this seq the order of the log settles predictions of every writer and epoch. */
export const settledThrough = 7

/** The rows of bronze.settled for the writers of `arbitraryWorld`. */
export const settledRows = ['gateway-1', 'gateway-10'].flatMap((writer_id) =>
  [1, 2].map((epoch) => ({ writer_id, epoch, lane: 'predictions', settled_through: settledThrough })),
)

type Fate = Omit<FateRecord, 'ingestedAtMs'> & Partial<FateRecord> & { tenant: string; predictionId: string; seq: number }

/** A row of bronze.prediction_fates. */
export function fateRow({ tenant, predictionId, fate, ingestedAtMs = Date.UTC(2026, 0, 1), seq }: Fate): object {
  return {
    fate_id: `${predictionId.slice(0, 19)}${seq.toString().padStart(4, '0').slice(-4)}${predictionId.slice(23)}`,
    prediction_id: predictionId,
    tenant,
    payload_hash: 'c'.repeat(64),
    fate,
    reason: fate === 'unanswered' ? 'deadline' : null,
    ingested_at: toColumnTime(ingestedAtMs),
    retention_until: '2200-01-01 00:00:00.000',
    writer_id: 'test',
    epoch: 1,
    lane: 'predictions',
    seq,
    appended_at: '2026-01-01 00:00:00.000',
  }
}

type LabelStatementRow = Omit<LabelStatement, 'ingestedAtMs' | 'origin'> & Partial<Pick<LabelStatement, 'ingestedAtMs' | 'origin'>>

/** A row of bronze.label_events; `seq` is its place where it states none. */
export function statementRow(statement: LabelStatementRow, seq: number): object {
  const { tenant, label, retracted, source } = statement
  const { ingestedAtMs = Date.UTC(2026, 0, 1), origin = { writerId: 'test', epoch: 1, seq } } = statement
  return {
    tenant,
    label,
    retracted,
    label_id: statement.labelId,
    payload_hash: 'b'.repeat(64),
    prediction_id: statement.predictionId ?? null,
    request_id: statement.requestId ?? null,
    index: statement.index ?? null,
    entities: statement.entities ?? {},
    anchor: statement.anchor ?? null,
    anchor_time: statement.anchorTimeMs === undefined ? null : toColumnTime(statement.anchorTimeMs),
    value_number: statement.valueNumber ?? null,
    value_text: statement.valueText ?? null,
    event_time: toColumnTime(statement.eventTimeMs),
    known_at: toColumnTime(statement.knownAtMs),
    source_kind: source.kind,
    source_name: source.name,
    source_labeler: source.labeler ?? null,
    supersedes: statement.supersedes ?? null,
    ingested_at: toColumnTime(ingestedAtMs),
    appended_at: toColumnTime(ingestedAtMs),
    writer_id: origin.writerId,
    epoch: origin.epoch,
    lane: 'labels',
    seq: origin.seq,
  }
}
