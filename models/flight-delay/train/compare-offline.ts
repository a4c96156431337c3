import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rocAuc } from '../../../labeler/metrics/roc-auc.ts'
import { binarySample } from '../../../labeler/metrics/sample.ts'
import { loadProject } from '../../../platform/project/load-project.ts'
import { createWarehouse } from '../../../platform/warehouse/warehouse-clickhouse.ts'
import { type OfflineScore, offlineScores } from './offline-scores.ts'

/**
 * Prints, per version, the ROC AUC of flights scored offline, and with `--clickhouse-url` that of what was served of
 * the very same flights, and how many features and scores differ.
 */
const { values: options } = parseArgs({
  options: {
    from: { type: 'string', default: '2001-06-04' },
    to: { type: 'string', default: '2001-06-11' },
    'clickhouse-url': { type: 'string' },
  },
})
const span = { from: options.from, to: options.to }
const project = await loadProject(fileURLToPath(new URL('../..', import.meta.url)))
const { min = -Infinity, max = Infinity } = project.sources.get('flight_landed')!.values['delay_minutes']!

type Served = { request_id: string; score: number; features: Record<string, number> }

async function readServed(url: string, version: string): Promise<ReadonlyMap<string, Served>> {
  const warehouse = createWarehouse({ url, password: process.env['CLICKHOUSE_PASSWORD'] })
  try {
    const rows = await warehouse.query<Served>(
      `SELECT request_id, outputs_number['probability_late'] AS score, features_number AS features FROM silver.predictions
      WHERE model = 'flight-delay' AND model_version = {version:String} AND status = 'ok' AND route IN ('champion', 'shadow')
        AND request_id >= {from:String} AND request_id < {to:String}`,
      { version, ...span },
    )
    return new Map(rows.map((row) => [row.request_id, row]))
  } finally {
    await warehouse.close()
  }
}

function aucOf(rows: readonly OfflineScore[], score: (row: OfflineScore) => number): number | undefined {
  const outcomes = Uint8Array.from(rows, ({ flight }) => Number(flight.late))
  return rocAuc(binarySample({ scores: Float64Array.from(rows, score), outcomes })).value
}

/** Whether the row was served with other features; one that is absent was missing. */
function differs(row: OfflineScore, served: Served, inputs: readonly string[]): boolean {
  return inputs.some((name) => !Object.is(served.features[name] ?? Number.NaN, row.features[name]))
}

const offline: OfflineScore[] = []
for await (const rows of offlineScores(project, span))
  offline.push(...rows.filter(({ flight }) => flight.delayMinutes >= min && flight.delayMinutes <= max))

for (const { version, manifest } of project.models.get('flight-delay')!.versions.values()) {
  const url = options['clickhouse-url']
  const served = url === undefined ? undefined : await readServed(url, version)
  const rows = served === undefined ? offline : offline.filter(({ flight }) => served.has(flight.id))
  const inputs = manifest.inputs.flatMap(({ features }) => features)
  const comparison = served && {
    served_roc_auc: aucOf(rows, ({ flight }) => served.get(flight.id)!.score),
    different_features: rows.filter((row) => differs(row, served.get(row.flight.id)!, inputs)).length,
    different_scores: rows.filter(({ flight, scores }) => Math.abs(scores[version]! - served.get(flight.id)!.score) > 1e-6).length,
  }
  const offlineAuc = aucOf(rows, ({ scores }) => scores[version]!)
  process.stdout.write(`${JSON.stringify({ version, flights: rows.length, offline_roc_auc: offlineAuc, ...comparison })}\n`)
}
