import { type Command, InvalidArgumentError, Option } from 'commander'
import { ServiceError } from '../contracts/errors.ts'
import { timestamp } from '../contracts/primitives.ts'
import { type CommandOptions, dataDirOption, jsonOption, servedProjectOption } from '../platform/command/options.ts'
import { print } from '../platform/command/output.ts'
import { withWarehouse } from '../platform/command/with-warehouse.ts'
import { servedProjectDir } from '../platform/service/served-project.ts'
import { type Grouping, groupings } from './evaluate/evaluation.ts'
import { addFileOptions, evaluateFileCommand, type FileEvaluationOptions } from './evaluate-file/command.ts'
import { registerImportCommand } from './import/command.ts'

type EvaluateCommandOptions = CommandOptions &
  FileEvaluationOptions & {
    project?: string
    anchorFrom?: Date
    anchorTo?: Date
    asOf?: Date
    knownAsOf?: Date
    by?: Grouping
    tag?: string[]
    save?: boolean
  }

/** Adds `labels import`, which speaks to a running gateway, and `evaluate`, which reads the warehouse. */
export function registerCommands(program: Command): void {
  registerImportCommand(program.command('labels').description('work with the label ledger'))
  const command = program
    .command('evaluate')
    .description("judge a model's predictions by its primary label, or the rows of a file")
    .argument('[model]')
    .option('--anchor-from <time>', 'the earliest anchor time, inclusive: RFC 3339 or a UTC day', parseTime)
    .option('--anchor-to <time>', 'the latest anchor time, exclusive', parseTime)
    .addOption(
      new Option('--as-of <time>', 'tell what was said at that time: recorded by then, by the definitions of then; default now')
        .argParser(parseTime)
        .conflicts('knownAsOf'),
    )
    .option('--known-as-of <time>', 'tell what is known today about that time, whenever it was recorded', parseTime)
    .addOption(
      new Option('--by <what>', 'what predictions are grouped by besides the anchor (day: by version, route and day)').choices(
        Object.keys(groupings),
      ),
    )
    .addOption(new Option('--tag <tag...>', 'judge only predictions that bear one of these tags').conflicts('save'))
    .option('--save', 'keep the result in gold.evaluations')
    .addOption(servedProjectOption())
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText('after', evaluateHelp)
    .action((model: string | undefined, options: EvaluateCommandOptions) => evaluateOne(model, options))
  addFileOptions(command)
}

const evaluateHelp = `
By default groups are told apart by version, route and anchor. Nothing is ever pooled over anchors; where routes are
(--by anchor), shadows are left out. Where silence means no, only mature decisions are scored.

An as-of is provisional until every writer has sealed what it recorded by then. What was imported from the past is not there
as of that past: --known-as-of tells of it.`

export function parseTime(text: string): Date {
  const full = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text
  if (timestamp.safeParse(full).success) return new Date(full)
  throw new InvalidArgumentError('write it as 2001-06-04 or 2001-06-04T12:00:00Z.')
}

async function evaluateOne(model: string | undefined, options: EvaluateCommandOptions): Promise<void> {
  if ((model === undefined) === (options.file === undefined))
    throw new ServiceError('invalid_config', 'name a model, or a file with --file', { hint: 'hindsight evaluate --help' })
  if (options.file !== undefined) return evaluateFileCommand(options.file, options)
  if (model !== undefined) return evaluateModel(model, options)
}

async function evaluateModel(model: string, options: EvaluateCommandOptions): Promise<void> {
  const { v7: uuidv7 } = await import('uuid')
  const { loadProject } = await import('../platform/project/load-project.ts')
  const { definitionsAt } = await import('./definitions/definitions-over-time.ts')
  const { readDefinitionRows } = await import('./definitions/definition-rows.ts')
  const { evaluate } = await import('./evaluate/evaluate.ts')
  const { toEvaluationText } = await import('./evaluate/evaluation-text.ts')
  const { saveEvaluation } = await import('./evaluate/save-evaluation.ts')
  const { anchorFrom, anchorTo, asOf, knownAsOf, by, tag: tags, save } = options
  if (anchorFrom !== undefined && anchorTo !== undefined && anchorFrom >= anchorTo)
    throw new ServiceError('invalid_config', '--anchor-from must lie before --anchor-to')
  const project = await loadProject(await servedProjectDir(options))
  await withWarehouse(options, async (warehouse) => {
    const definitions = asOf === undefined ? project : definitionsAt(await readDefinitionRows(warehouse), { model, atMs: asOf.getTime() })
    const clock = knownAsOf === undefined ? { asOf: (asOf ?? new Date()).getTime() } : { knownAsOf: knownAsOf.getTime() }
    const evaluation = await evaluate({ warehouse, project: definitions, model, anchorFrom, anchorTo, clock, by, tags })
    if (save === true) await saveEvaluation(warehouse, evaluation, { now: Date.now, newId: uuidv7 })
    print(options, evaluation, toEvaluationText)
  })
}
