import type { Warehouse } from '../../../platform/warehouse/warehouse.ts'
import type { Ledger } from '../client/ledger.ts'
import { groupBy } from './group.ts'
import { probePrefix } from './online-store.ts'
import { checkSeals } from './seals.ts'
import { doubled, lost, misjudged, unattempted, type Violation } from './violation.ts'

/** The ids of all rounds of one system: a later fault must not undo what an earlier round found in order. */
export type WholeRun = {
  add(ledger: Ledger): void
  /** Checks, after every service has drained, that each answered prediction is there once, nothing was invented, and every epoch is sealed. */
  check(warehouse: Pick<Warehouse, 'query'>): Promise<Violation[]>
}

export function createWholeRun(): WholeRun {
  const attempted = new Set<string>()
  const answered = new Map<string, string>()
  return {
    add({ predictions }) {
      for (const { id, answer } of predictions.values()) {
        attempted.add(id)
        if (answer !== undefined) answered.set(id, answer.prediction_id)
      }
    },
    async check(warehouse) {
      const rows = await warehouse.query<{ id: string; request_id: string; fate: string | null }>(
        `SELECT toString(prediction_id) AS id, request_id, fate FROM silver.predictions
WHERE route = 'champion' AND NOT startsWith(request_id, {probes:String})
UNION ALL SELECT DISTINCT id, '', NULL FROM bronze.rejects WHERE lane = 'predictions'`,
        { probes: probePrefix },
      )
      const stored = new Set(rows.map(({ id }) => id))
      const isAsked = ({ request_id }: { request_id: string }) => request_id === '' || attempted.has(request_id)
      const asked = groupBy(
        rows.filter(({ request_id }) => request_id !== ''),
        ({ request_id }) => request_id,
      )
      return [
        ...[...answered].filter(([, prediction]) => !stored.has(prediction)).map(([id]) => lost(id, 'was stored, and is no longer')),
        ...[...asked].filter(([, same]) => same.length > 1).map(([id, same]) => doubled(id, `${same.length} rows at the end`)),
        ...rows
          .filter(({ request_id, id, fate }) => fate === 'unanswered' && answered.get(request_id) === id)
          .map(({ request_id }) => misjudged(request_id, 'is unanswered at the end, and its client has the answer')),
        ...rows.filter((row) => !isAsked(row)).map(({ request_id }) => unattempted(request_id, 'is stored at the end')),
        ...(await checkSeals(warehouse, { fromEpoch: 0, closed: true })),
      ]
    },
  }
}
