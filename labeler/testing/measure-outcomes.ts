import { migrate } from '../../platform/schema/migrate.ts'
import { startTestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { evaluate } from '../evaluate/evaluate.ts'
import type { LabelStatement } from '../outcomes/outcome.ts'
import { syncLabeler } from '../sync.ts'
import { toColumnTime } from '../../platform/warehouse/column-time.ts'
import { predictionRow, statementRow } from './ledger-rows.ts'
import { testProject } from './test-project.ts'

// How long outcomes take to read, on the embedded warehouse:
//   node --import=#typescript labeler/testing/measure-outcomes.ts [decisions]
const decisions = Number(process.argv[2] ?? 17_000)
const rounds = 5
const start = Date.UTC(2001, 5, 4)
const project = testProject({
  labels: [{ name: 'late', type: 'binary', maturity_seconds: 86_400, silence: 'unknown' }],
  models: [{ name: 'delay', primary_label: 'late' }],
})

const server = await startTestWarehouse()
try {
  await migrate(server.warehouse)
  await syncLabeler(server.warehouse, project)
  await fill(server.warehouse)
  process.stdout.write(`${decisions * 2} predictions of ${decisions} decisions, ${decisions} labels; median of ${rounds}\n`)
  const read = (sql: string) => async () => void (await server.warehouse.query(sql))
  await measure('silver.outcomes, counted by state', read('SELECT outcome_state, count() FROM silver.outcomes GROUP BY outcome_state'))
  await measure(
    'asof.outcomes, counted by state',
    read("SELECT outcome_state, count() FROM asof.outcomes(as_of = '2001-06-04 12:00:00') GROUP BY 1"),
  )
  await measure(
    'gold.predictions, outcome by version',
    read('SELECT model_version, avg(outcome) FROM gold.predictions GROUP BY model_version'),
  )
  await measure('gold.predictions, every column', read('SELECT count() FROM gold.predictions WHERE NOT ignore(*)'))
  await measure('evaluate', async () => void (await evaluate({ warehouse: server.warehouse, project, model: 'delay' })))
} finally {
  await server.stop()
}

async function measure(what: string, task: () => Promise<void>): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now()
    await task()
    times.push(performance.now() - begin)
  }
  process.stdout.write(`${what.padEnd(40)} ${Math.round(times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0)} ms\n`)
}

/** Each decision served and shadowed, and labelled by prediction, by request, or by entity and anchor time in turn. */
async function fill(warehouse: Warehouse): Promise<void> {
  const blockSize = 5000
  for (let from = 0; from < decisions; from += blockSize) {
    const numbers = Array.from({ length: Math.min(blockSize, decisions - from) }, (_, offset) => from + offset)
    await warehouse.insert('bronze.prediction_events', numbers.flatMap(predictionsOf))
    await warehouse.insert('bronze.label_events', numbers.map(labelOf))
  }
}

function idOf(number: number): string {
  return `01927c00-0000-7000-8000-${number.toString(16).padStart(12, '0')}`
}

function anchorMs(number: number): number {
  return start + number * 5000
}

function predictionsOf(number: number): object[] {
  const score = (number % 97) / 97
  return ['champion', 'shadow'].map((route, position) =>
    predictionRow({
      prediction_id: idOf(2 * number + position),
      decision_id: idOf(2 * number),
      request_id: `flight-${number}`,
      route,
      model_version: String(2 - position),
      anchor_time: toColumnTime(anchorMs(number)),
      outputs_number: { probability: score },
      entities: { flight: `F${number}`, origin: `A${number % 230}`, destination: `A${number % 229}` },
      question_sha256: number.toString(16).padStart(64, '0'),
      features_number: Object.fromEntries(Array.from({ length: 9 }, (_, feature) => [`feature_${feature}`, score * feature])),
      seq: 2 * number + position + 1,
    }),
  )
}

function labelOf(number: number): object {
  const eventTimeMs = anchorMs(number) + 3_600_000
  const targets: Partial<LabelStatement>[] = [
    { predictionId: idOf(2 * number) },
    { requestId: `flight-${number}` },
    { entities: { flight: `F${number}` }, anchorTimeMs: anchorMs(number) },
  ]
  const source = { kind: 'outcome', name: 'measure' }
  const label = {
    tenant: 'default',
    labelId: `label-${number}`,
    label: 'late',
    valueNumber: number % 4 === 0 ? 1 : 0,
    eventTimeMs,
    knownAtMs: eventTimeMs,
  }
  return statementRow({ ...label, source, retracted: false, ...targets[number % 3] }, number + 1)
}
