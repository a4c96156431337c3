import { isDeepStrictEqual } from 'node:util'
import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import { type EventAttempt, isRejected, type LabelAttempt, type Ledger } from '../client/ledger.ts'
import { groupBy } from './group.ts'
import type { StoredReject } from './rejects.ts'
import { altered, doubled, lost, unattempted, type Violation } from './violation.ts'

type StoredItem = { id: string } & Record<string, unknown>
type Checked = { violations: Violation[]; stored: number; rejected: number }

/** Invariants 1, 2, 3 and 5 for the labels of one round. */
export async function checkLabels(
  warehouse: Pick<Warehouse, 'query'>,
  ledger: Ledger,
  rejects: ReadonlyMap<string, StoredReject>,
): Promise<Checked> {
  const rows = await warehouse.query<StoredItem>(
    `SELECT label_id AS id, label, request_id, value_number, ${asSent('event_time')}, ${asSent('known_at')}
FROM silver.labels AS l WHERE startsWith(label_id, {prefix:String})`,
    { prefix: ledger.prefix },
  )
  return checkItems('labels', { rows, attempts: ledger.labels, rejects })
}

/** Invariants 1, 2, 3 and 5 for the feature events of one round. */
export async function checkEvents(
  warehouse: Pick<Warehouse, 'query'>,
  ledger: Ledger,
  rejects: ReadonlyMap<string, StoredReject>,
): Promise<Checked> {
  const rows = await warehouse.query<StoredItem>(
    `SELECT event_id AS id, keys, values_number AS values, ${asSent('event_time')}, ${asSent('known_at')}
FROM silver.feature_events AS e WHERE startsWith(event_id, {prefix:String})`,
    { prefix: ledger.prefix },
  )
  return checkItems('feature_events', { rows, attempts: ledger.events, rejects })
}

type Items = {
  rows: readonly StoredItem[]
  attempts: ReadonlyMap<string, LabelAttempt | EventAttempt>
  rejects: ReadonlyMap<string, StoredReject>
}

function checkItems(lane: 'labels' | 'feature_events', { rows, attempts, rejects }: Items): Checked {
  const byId = groupBy(rows, (row) => row.id)
  const violations: Violation[] = []
  let rejected = 0
  for (const attempt of attempts.values()) {
    const { id, sent, answer } = attempt
    const [row] = byId.get(id) ?? []
    const reject = rejects.get(`${lane}/${id}`)
    if (reject !== undefined) rejected += 1
    if ((reject?.rows ?? 0) > 1) violations.push(doubled(id, `${reject?.rows} rows in rejects`))
    if (answer === undefined) continue
    if (isRejected(attempt)) {
      if (reject === undefined) violations.push(lost(id, `${lane}: was to be kept as a reject`))
      if (row !== undefined) violations.push(altered(id, `${lane}: was rejected, and is stored`))
    } else if (row === undefined) {
      if (reject === undefined) violations.push(lost(id, `${lane}: was accepted`))
    } else violations.push(...compare(id, row, sent))
  }
  for (const [id, same] of byId) {
    if (same.length > 1) violations.push(doubled(id, `${same.length} rows in ${lane}`))
    if (!attempts.has(id)) violations.push(unattempted(id, `is stored in ${lane}`))
  }
  return { violations, stored: byId.size, rejected }
}

function compare(id: string, row: StoredItem, sent: object): Violation[] {
  return Object.entries(sent)
    .filter(([field, value]) => !isDeepStrictEqual(row[field], value))
    .map(([field, value]) => altered(id, `${field} is stored as ${JSON.stringify(row[field])}, the client sent ${JSON.stringify(value)}`))
}

function asSent(column: string): string {
  return `concat(replaceOne(toString(${column}), ' ', 'T'), 'Z') AS ${column}`
}
