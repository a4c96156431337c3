import { type Command, InvalidArgumentError, Option } from 'commander'
import { ServiceError } from '../contracts/errors.ts'
import { timestamp } from '../contracts/primitives.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { type Grouping, groupings } from './evaluate/evaluation.ts'

type Shared = { dataDir: string; json?: boolean }
type ImportCommandOptions = Shared & { label?: string; dryRun?: boolean }
type EvaluateCommandOptions = Shared & {
  project: string
  anchorFrom?: Date
  anchorTo?: Date
  asOf?: Date
  by?: Grouping
  tag?: string[]
  save?: boolean
}

/** Adds `labels import`, which speaks to a running gateway, and `evaluate`, which reads the warehouse. */
export function registerCommands(program: Command): void {
  program
    .command('labels')
    .description('work with the label ledger')
    .command('import')
    .description('send a file of labels to a running gateway; exit 1 when any is rejected')
    .argument('<file>', 'JSONL (.jsonl, .ndjson), CSV with a header (.csv) or Parquet (.parquet)')
    .option('--label <name>', 'the label of records that name none')
    .option('--dry-run', 'check everything, store nothing')
    .addOption(dataDirOption())
    .option('--json', 'print JSON')
    .addHelpText('after', importHelp)
    .action(importFile)
  program
    .command('evaluate')
    .description("judge a model's predictions by its primary label")
    .argument('<model>')
    .option('--anchor-from <time>', 'anchor times from here, included: RFC 3339 or a UTC day', parseTime)
    .option('--anchor-to <time>', 'anchor times up to here, excluded', parseTime)
    .option('--as-of <time>', 'outcomes as they were known then (known_at); default now', parseTime)
    .addOption(
      new Option('--by <what>', 'group by this and the anchor (day: by version, route, anchor and day)').choices(Object.keys(groupings)),
    )
    .addOption(new Option('--tag <tag...>', 'only predictions that bear one of these tags').conflicts('save'))
    .option('--save', 'keep the result in gold.evaluations')
    .addOption(new Option('--project <dir>', 'the project folder').env('HINDSIGHT_PROJECT_DIR').default('models'))
    .addOption(dataDirOption())
    .option('--json', 'print JSON')
    .addHelpText('after', evaluateHelp)
    .action(evaluateModel)
}

const importHelp = `
Fields, as columns or members: label, one target (prediction_id; request_id and index; entities.ROLE with anchor and
anchor_time), value_number or value_text, event_time, known_at, label_id, source.kind, source.name, source.labeler,
confidence, supersedes, retracted, tags (in CSV, separated by ;). A record without a label_id gets one made from its
content, so that importing a file again doubles nothing.`

const evaluateHelp = `
By default groups are told apart by version, route and anchor. Nothing is ever pooled over anchors; where routes are
(--by anchor), shadows are left out. Where silence means no, only mature decisions are scored.`

function dataDirOption(): Option {
  return new Option('--data-dir <dir>', 'where a running Hindsight keeps its data').env('HINDSIGHT_DATA_DIR').default('.hindsight')
}

export function parseTime(text: string): Date {
  const full = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text
  if (timestamp.safeParse(full).success) return new Date(full)
  throw new InvalidArgumentError('write it as 2001-06-04 or 2001-06-04T12:00:00Z.')
}

async function importFile(file: string, options: ImportCommandOptions): Promise<void> {
  const { setTimeout: sleep } = await import('node:timers/promises')
  const { connectionFromRunFiles } = await import('../platform/service/run-files.ts')
  const { createPostLabels } = await import('./import/gateway-labels.ts')
  const { importLabels } = await import('./import/import-labels.ts')
  const { toImportText } = await import('./import/import-text.ts')
  const { openSource } = await import('./import/open-source.ts')
  const { createProgress } = await import('./import/progress.ts')
  const source = await openSource(file)
  const { gatewayUrl } = connectionFromRunFiles(options.dataDir)
  const post = createPostLabels({ gatewayUrl, apiKey: process.env['HINDSIGHT_API_KEY'], sleep })
  const progress = createProgress(source)
  try {
    const dryRun = options.dryRun === true
    const report = await importLabels({ source, post, dryRun, defaultLabel: options.label, onProgress: progress.update })
    progress.stop()
    print(options, { file, ...report }, toImportText(file, report))
    if (report.rejected > 0) process.exitCode = 1
  } finally {
    progress.stop()
  }
}

async function evaluateModel(model: string, options: EvaluateCommandOptions): Promise<void> {
  const { v7: uuidv7 } = await import('uuid')
  const { loadProject } = await import('../platform/project/load-project.ts')
  const { evaluate } = await import('./evaluate/evaluate.ts')
  const { toEvaluationText } = await import('./evaluate/evaluation-text.ts')
  const { saveEvaluation } = await import('./evaluate/save-evaluation.ts')
  const { project: projectDir, anchorFrom, anchorTo, asOf, by, tag: tags, save } = options
  if (anchorFrom !== undefined && anchorTo !== undefined && anchorFrom >= anchorTo)
    throw new ServiceError('invalid_config', '--anchor-from must lie before --anchor-to')
  const project = await loadProject(projectDir)
  await withWarehouse(options, async (warehouse) => {
    const evaluation = await evaluate({ warehouse, project, model, anchorFrom, anchorTo, asOf, by, tags })
    if (save === true) await saveEvaluation(warehouse, evaluation, { now: Date.now, newId: uuidv7 })
    print(options, evaluation, toEvaluationText(evaluation))
  })
}

async function withWarehouse(options: Shared, use: (warehouse: Warehouse) => Promise<void>): Promise<void> {
  const { connectionFromRunFiles } = await import('../platform/service/run-files.ts')
  const { createWarehouse } = await import('../platform/warehouse/warehouse-clickhouse.ts')
  const { clickhouseUrl: url, clickhouseUser: user, clickhousePassword: password } = connectionFromRunFiles(options.dataDir)
  const warehouse = createWarehouse({ url, user, password })
  try {
    await use(warehouse)
  } finally {
    await warehouse.close()
  }
}

function print({ json }: Shared, value: unknown, text: string): void {
  process.stdout.write(`${json === true ? JSON.stringify(value, null, 2) : text}\n`)
}
