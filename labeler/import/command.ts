import { type Command, InvalidArgumentError, Option } from 'commander'
import { type CommandOptions, dataDirOption, jsonOption } from '../../platform/command/options.ts'
import { print } from '../../platform/command/output.ts'
import { type TimeUnit, timeUnits } from '../../platform/files/file-time.ts'

type ImportCommandOptions = CommandOptions & {
  label?: string
  dryRun?: boolean
  encoding?: string
  delimiter?: string
  ignoreColumns?: string[]
  timeUnit?: TimeUnit
  timeZone?: string
  rejects?: string
  restart?: boolean
}

/** Adds `import`, which sends a file's labels to a running gateway. */
export function registerImportCommand(labels: Command): void {
  labels
    .command('import')
    .description('send a file of labels to a running gateway; exit 1 when any is rejected')
    .argument('<file>', 'JSONL (.jsonl, .ndjson, .json), CSV with a header (.csv, .tsv), Parquet (.parquet), or a folder of such files')
    .option('--label <name>', 'the label of records that name none')
    .option('--dry-run', 'check everything, store nothing')
    .option('--encoding <name>', 'encoding of text: latin1, windows-1252, utf-16le, ...', 'utf-8')
    .option('--delimiter <character>', 'character between cells of CSV; by default the first line decides among , ; and tab')
    .option('--ignore-columns <names>', 'columns to pass over, separated by commas', toNames)
    .addOption(new Option('--time-unit <unit>', 'unit of times that are numbers since 1970').choices(timeUnits))
    .option('--time-zone <name>', 'IANA time zone of times without an offset, as Europe/Berlin or UTC', toTimeZone)
    .option('--rejects <file>', 'where every refused record is written, as JSON lines (default: FILE.rejects.jsonl)')
    .option('--restart', 'begin at the first record, even where an earlier run was interrupted')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText('after', help)
    .action(importFile)
}

const help = `
An import that was interrupted goes on where it was when it is started again with the same file and options; --restart begins anew.
Either way nothing is doubled: a label_id that is there already is one statement.

Fields, as columns or members: label, one target (prediction_id; request_id and index; entities.ROLE with anchor and
anchor_time), value_number or value_text, event_time, known_at, label_id, source.kind, source.name, source.labeler,
confidence, supersedes, retracted, tags (in CSV, separated by ;). A record without a label_id gets one made from its
content, so that importing a file again doubles nothing.

The gateway says of what type each label is (GET /v1/labels). A binary label takes 0, 1, true, false, t and f in value_number, in any
case; a number label takes numbers, and no booleans; a category label takes value_text, or the number of its digits in either column.
A cell that its label cannot have is refused by its line and column, and stops no other. NaN and infinities are no values.

Times are RFC 3339 or much like it: 2026-03-29 01:30:00+00:00. Numbers need --time-unit, times without an offset
--time-zone; of a local time that comes twice the first is meant, one that is skipped takes the offset before the change.`

function toNames(text: string): string[] {
  return text.split(',').map((name) => name.trim())
}

function toTimeZone(timeZone: string): string {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone }).resolvedOptions().timeZone
  } catch {
    throw new InvalidArgumentError('there is no such time zone: write it as Europe/Berlin or UTC.')
  }
}

async function importFile(file: string, options: ImportCommandOptions): Promise<void> {
  const { openFile } = await import('../../platform/files/open-file.ts')
  const { connectionFromRunFiles } = await import('../../platform/service/run-files.ts')
  const { createGatewayLabels } = await import('./gateway-labels.ts')
  const { importLabels } = await import('./import-labels.ts')
  const { openImportJournal } = await import('./import-journal.ts')
  const { importIdentity } = await import('./import-identity.ts')
  const { toImportText } = await import('./import-text.ts')
  const { labelColumns } = await import('./label-columns.ts')
  const { createProgress } = await import('./progress.ts')
  const { label: defaultLabel, dryRun = false, encoding, delimiter, ignoreColumns: ignored, timeUnit: unit, timeZone } = options
  const { restart = false, rejects: rejectsPath = `${withoutSlash(file)}.rejects.jsonl` } = options
  const source = await openFile(file, { columns: labelColumns, ignored, encoding, delimiter })
  const { gatewayUrl } = connectionFromRunFiles(options.dataDir)
  const { definitions, post } = createGatewayLabels(gatewayUrl)
  const convert = { definitions: await definitions(), defaultLabel, unit, timeZone }
  const how = { gatewayUrl, defaultLabel, encoding, delimiter, ignored, unit, timeZone }
  const identity = await importIdentity(file, how)
  const journal = await openImportJournal({ rejectsPath, identity, restart, keepsProgress: !dryRun, now: Date.now })
  const progress = createProgress(source)
  try {
    const report = await importLabels({ source, post, dryRun, journal, toLabel: convert, onProgress: progress.update })
    progress.stop()
    print(options, { file, ...report }, () => toImportText(file, report))
    if (report.rejected > 0) process.exitCode = 1
  } finally {
    progress.stop()
  }
}

function withoutSlash(path: string): string {
  return path.replace(/[/\\]+$/, '')
}
