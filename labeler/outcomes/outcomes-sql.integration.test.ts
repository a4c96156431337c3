import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startMigratedWarehouse } from '../../embedded-warehouse/testing/migrated-warehouse.ts'
import type { TestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import { syncLabeler } from '../sync.ts'
import { arbitraryTenants, arbitraryWorld, type World } from '../testing/arbitrary-ledger.ts'
import { toColumnTime } from '../../platform/warehouse/column-time.ts'
import { fateRows, ledgerPredictionRow, settledRows, statementRow } from '../testing/ledger-rows.ts'
import { testProject } from '../testing/test-project.ts'
import type { Clock } from './clock.ts'
import type { Outcome, OutcomeState } from './outcome.ts'
import { outcomeRulesOf } from './outcome-rules.ts'
import { resolveOutcomes } from './resolve.ts'
import { casesOf } from '../../test/testing/full-run.ts'

const common = { type: 'binary', maturity_seconds: 3 }
const project = testProject({
  labels: [
    { ...common, name: 'exact_all', match: { kind: 'exact' }, which: 'all', silence: 'negative' },
    { ...common, name: 'exact_last', match: { kind: 'exact' }, which: 'last', silence: 'unknown' },
    { ...common, name: 'window_all', match: { kind: 'window', window_seconds: 2 }, which: 'all', silence: 'unknown' },
    { ...common, name: 'window_first', match: { kind: 'window', window_seconds: 3 }, which: 'first', silence: 'negative' },
    {
      ...common,
      name: 'window_last',
      match: { kind: 'window', window_seconds: 3 },
      which: 'last',
      silence: 'negative',
      maturity_seconds: 0,
    },
  ],
  models: [
    { name: 'one', primary_label: 'exact_all' },
    { name: 'two', primary_label: 'window_first' },
    { name: 'three', primary_label: 'window_last' },
  ],
})
const rules = outcomeRulesOf(project)

let server: TestWarehouse
beforeAll(async () => {
  server = await startMigratedWarehouse()
  await syncLabeler(server.warehouse, project, () => Date.UTC(1950, 0))
})
afterAll(() => server.stop())

// Before 1970 the bucket of a time is a negative number; the second base lies off every bucket's edge.
const baseTimes = [Date.UTC(1969, 11, 31, 23, 59, 56), Date.UTC(2001, 5, 4, 12) + 137]

test('the generated SQL equals the reference resolver', async () => {
  const worlds = baseTimes.map((baseMs, base) =>
    arbitraryTenants({ count: 100, prefix: `base${base}-`, world: arbitraryWorld(rules, baseMs) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.tuple(...worlds), async (tenants) => {
      const drawn = tenants.flat()
      await store(drawn)
      for (const baseMs of baseTimes)
        for (const step of [4, 11, 40]) {
          const atMs = baseMs + step * 500
          for (const clock of [{ asOf: atMs }, { knownAsOf: atMs }])
            expect(await readOutcomes(clock)).toEqual(drawn.flatMap((world) => resolveOutcomes(rules, world, clock)).toSorted(byKey))
        }
    }),
    { numRuns: casesOf({ few: 1, all: 6 }), endOnFailure: true },
  )
})

async function store(worlds: readonly World[]): Promise<void> {
  for (const table of ['bronze.prediction_events', 'bronze.prediction_fates', 'bronze.settled', 'bronze.label_events'])
    await server.warehouse.command(`TRUNCATE TABLE ${table}`)
  const predictions = worlds.flatMap((world) => world.predictions)
  await server.warehouse.insert('bronze.prediction_events', predictions.map(ledgerPredictionRow))
  await server.warehouse.insert('bronze.prediction_fates', predictions.flatMap(fateRows))
  await server.warehouse.insert('bronze.settled', settledRows)
  const statements = worlds.flatMap((world) => world.statements)
  await server.warehouse.insert(
    'bronze.label_events',
    statements.map((statement, number) => statementRow(statement, number + 1)),
  )
}

type OutcomeRow = Record<'tenant' | 'decision_id' | 'label' | 'definition_sha256' | 'model' | 'anchor' | 'outcome_state', string> & {
  anchor_ms: string
  matures_ms: string
  known_ms: string | null
  outcome: number | null
  outcome_text: string | null
  statements: string
  counts: boolean
  left_out: Outcome['leftOut'] | null
  attempts: number
}

async function readOutcomes({ asOf, knownAsOf }: Clock): Promise<Outcome[]> {
  const view =
    asOf === undefined
      ? `asof.outcomes_known(known_as_of = '${toColumnTime(knownAsOf)}')`
      : `asof.outcomes(as_of = '${toColumnTime(asOf)}')`
  const rows = await server.warehouse.query<OutcomeRow>(
    `SELECT tenant, decision_id, label, definition_sha256, model, anchor, outcome_state, outcome, outcome_text, statements, counts, left_out, attempts,
       toUnixTimestamp64Milli(anchor_time) AS anchor_ms, toUnixTimestamp64Milli(matures_at) AS matures_ms,
       toUnixTimestamp64Milli(outcome_known_at) AS known_ms
     FROM ${view}`,
  )
  return rows.map(toOutcome).toSorted(byKey)
}

function toOutcome(row: OutcomeRow): Outcome {
  expect(row.counts).toBe(row.left_out === null)
  return {
    leftOut: row.left_out ?? undefined,
    attempts: row.attempts,
    tenant: row.tenant,
    decisionId: row.decision_id,
    label: row.label,
    definitionSha256: row.definition_sha256,
    model: row.model,
    anchor: row.anchor,
    anchorTimeMs: Number(row.anchor_ms),
    maturesAtMs: Number(row.matures_ms),
    statements: Number(row.statements),
    state: row.outcome_state as OutcomeState,
    ...(row.outcome !== null && { outcome: row.outcome }),
    ...(row.outcome_text !== null && { outcomeText: row.outcome_text }),
    ...(row.known_ms !== null && { knownAtMs: Number(row.known_ms) }),
  }
}

function byKey(a: Outcome, b: Outcome): number {
  const key = (outcome: Outcome) => [outcome.tenant, outcome.decisionId, outcome.label].join(' ')
  return key(a) < key(b) ? -1 : 1
}
