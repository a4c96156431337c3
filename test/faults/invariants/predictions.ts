import { isDeepStrictEqual } from 'node:util'
import type { PredictResponse } from '../../../contracts/http.ts'
import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import type { Ledger } from '../client/ledger.ts'
import { checkFates, type FateRow } from './fates.ts'
import { groupBy } from './group.ts'
import type { StoredReject } from './rejects.ts'
import { altered, doubled, lost, unattempted, type Violation } from './violation.ts'

type StoredPrediction = FateRow & {
  prediction_id: string
  payload_hash: string
  model_version: string
  outputs_number: Record<string, number>
  features_number: Record<string, number>
  features_text: Record<string, string>
  feature_status: Record<string, string>
  feature_reason: Record<string, string>
  decision_value: string | null
  entities: Record<string, string>
  anchor_time: string
  warnings: string[]
}

/** Invariants 1, 2, 3, 5 and 8 for the predictions of one round, from the view that analysts read and from the raw payloads. */
export async function checkPredictions(
  warehouse: Pick<Warehouse, 'query'>,
  ledger: Ledger,
  { rejects, cut }: { rejects: ReadonlyMap<string, StoredReject>; cut: boolean },
): Promise<{ violations: Violation[]; stored: number; rejected: number }> {
  const rows = await readRows(warehouse, ledger.prefix)
  const payloads = groupBy(await readPayloads(warehouse, ledger.prefix), payloadKey)
  const byId = groupBy(rows, (row) => row.prediction_id)
  const violations: Violation[] = []
  let rejected = 0
  for (const { id, sent, answer } of ledger.predictions.values()) {
    if (answer === undefined) continue
    const [row, second] = byId.get(answer.prediction_id) ?? []
    const isRejected = rejects.has(`predictions/${answer.prediction_id}`)
    rejected += isRejected ? 1 : 0
    if (row === undefined) {
      if (!isRejected) violations.push(lost(id, `prediction ${answer.prediction_id} was answered`))
      continue
    }
    if (second !== undefined) continue
    violations.push(...compareRow(id, { row, answer, sent: sent.entities }))
    violations.push(...comparePayload(id, answer, payloads.get(payloadKey(row))?.at(0)?.payload))
  }
  return {
    violations: [...violations, ...onceAndAsked(rows, ledger), ...checkFates(rows, { attempts: ledger.predictions, cut })],
    stored: rows.filter(({ route }) => route !== 'shadow').length,
    rejected,
  }
}

/** A request is sent once, so it has one prediction of each route and version at most. */
function onceAndAsked(rows: readonly StoredPrediction[], ledger: Ledger): Violation[] {
  const violations: Violation[] = []
  for (const [key, same] of groupBy(rows, (row) => `${row.request_id} ${row.route} ${row.model_version}`)) {
    const requestId = same[0]?.request_id ?? ''
    if (same.length > 1) violations.push(doubled(requestId, `${same.length} rows for ${key}`))
    if (!ledger.predictions.has(requestId)) violations.push(unattempted(requestId, 'is stored as a prediction'))
  }
  return violations
}

function compareRow(id: string, { row, answer, sent }: { row: StoredPrediction; answer: PredictResponse; sent: object }): Violation[] {
  const features = answer.features ?? []
  const numbers = features.flatMap(({ name, value }) => (typeof value === 'number' ? [[name, value]] : []))
  const reasons = features.flatMap(({ name, reason }) => (reason === undefined ? [] : [[name, reason]]))
  const seen = {
    request_id: answer.request_id,
    route: answer.route,
    model_version: answer.model_version,
    status: answer.status,
    outputs_number: answer.outputs,
    features_number: Object.fromEntries(numbers),
    feature_status: Object.fromEntries(features.map(({ name, status }) => [name, status])),
    feature_reason: Object.fromEntries(reasons),
    decision_value: answer.decision === undefined ? null : String(answer.decision.value),
    entities: sent,
    anchor_time: answer.anchor_time,
    warnings: answer.warnings,
  }
  return differences(id, { stored: row as Record<string, unknown>, seen })
}

/** The bytes of the event hold all that the client was told, to the last digit. */
function comparePayload(id: string, answer: PredictResponse, payload: string | undefined): Violation[] {
  if (payload === undefined) return [altered(id, 'has no raw payload')]
  // A window follows from the anchor time and the definition, so the event does not repeat it.
  const features = answer.features?.map(({ window: _, ...feature }) => feature)
  const seen = features === undefined ? answer : { ...answer, features }
  return differences(id, { stored: JSON.parse(payload) as Record<string, unknown>, seen })
}

function differences(id: string, { stored, seen }: { stored: Record<string, unknown>; seen: object }): Violation[] {
  return Object.entries(seen)
    .filter(([field, value]) => !isDeepStrictEqual(stored[field], value))
    .map(([field, value]) => altered(id, `${field} is stored as ${JSON.stringify(stored[field])}, the client saw ${JSON.stringify(value)}`))
}

function readRows(warehouse: Pick<Warehouse, 'query'>, prefix: string): Promise<StoredPrediction[]> {
  return warehouse.query<StoredPrediction>(
    `SELECT toString(prediction_id) AS prediction_id, toString(payload_hash) AS payload_hash, request_id, route, model_version, status, fate, unanswered_reason, outputs_number, features_number,
  features_text, feature_status, feature_reason, decision_value, entities, warnings,
  concat(replaceOne(toString(anchor_time), ' ', 'T'), 'Z') AS anchor_time
FROM silver.predictions WHERE startsWith(request_id, {prefix:String})`,
    { prefix },
  )
}

type Payload = Pick<StoredPrediction, 'prediction_id' | 'payload_hash'> & { payload: string }

function payloadKey({ prediction_id, payload_hash }: Pick<StoredPrediction, 'prediction_id' | 'payload_hash'>): string {
  return `${prediction_id}/${payload_hash}`
}

function readPayloads(warehouse: Pick<Warehouse, 'query'>, prefix: string): Promise<Payload[]> {
  return warehouse.query(
    `SELECT toString(prediction_id) AS prediction_id, toString(payload_hash) AS payload_hash, payload FROM bronze.prediction_payloads FINAL
WHERE startsWith(JSONExtractString(payload, 'request_id'), {prefix:String})`,
    { prefix },
  )
}
