import { expect } from 'vitest'
import { waitForEmptyLog } from '../../bin/supervisor/event-log-lag.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { runHindsight } from './run-command.ts'

/** Request ids that were sent, and of those that were answered, their prediction ids. */
export type Sent = { prefix: string; attempted: ReadonlySet<string>; answered: ReadonlyMap<string, string>; accepted?: ReadonlySet<string> }

/** Answered is a subset of stored, stored of attempted, each once; and `hindsight reconcile` finds nothing missing. */
export async function expectParity(sent: Sent, { warehouse, dataDir }: { warehouse: Warehouse; dataDir: string }): Promise<void> {
  const { prefix, attempted, answered, accepted = new Set() } = sent
  expect(await waitForEmptyLog(dataDir, 300_000)).toEqual({})
  const stored = await warehouse.query<{ request_id: string; prediction_id: string }>(
    `SELECT request_id, toString(prediction_id) AS prediction_id FROM silver.predictions
     WHERE route = 'champion' AND startsWith(request_id, {prefix:String})`,
    { prefix: `${prefix}-` },
  )
  const byRequest = new Map(stored.map((row) => [row.request_id, row.prediction_id]))
  expect(byRequest.size, 'no request is stored twice').toBe(stored.length)
  expect([...answered].filter(([request, prediction]) => byRequest.get(request) !== prediction)).toEqual([])
  expect([...byRequest.keys()].filter((request) => !attempted.has(request))).toEqual([])
  const events = await warehouse.query<{ event_id: string }>(
    'SELECT DISTINCT event_id FROM bronze.feature_events WHERE startsWith(event_id, {prefix:String})',
    { prefix: `${prefix}-` },
  )
  const ids = new Set(events.map(({ event_id: id }) => id))
  expect([...accepted].filter((id) => !ids.has(String(id)))).toEqual([])
  const { code, stdout } = await runHindsight(['reconcile', '--json'], dataDir)
  expect({ code, report: JSON.parse(stdout) as unknown }).toMatchObject({ code: 0, report: { ok: true } })
}
