import { userInfo } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { migrate } from '../platform/schema/migrate.ts'
import { type CommandOptions, dataDirOption, jsonOption } from '../platform/command/options.ts'
import { print } from '../platform/command/output.ts'
import { wholeNumber } from '../platform/command/parse-options.ts'
import { withWarehouse } from '../platform/command/with-warehouse.ts'
import { acknowledge } from './reconcile/acknowledge.ts'
import { reconcile } from './reconcile/reconcile.ts'
import { toReportText } from './reconcile/report-text.ts'
import { registerRejectsCommand } from './rejects/commands.ts'

/** Adds `migrate`, `reconcile` with `acknowledge`, and `rejects`. */
export function registerCommands(program: Command): void {
  program
    .command('migrate')
    .description('bring the warehouse to the shape of this version, and exit')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .action(async (options: CommandOptions) => {
      const applied = await withWarehouse(options, migrate)
      print(options, { applied }, () =>
        applied.length === 0 ? 'Nothing to do: the warehouse is up to date.' : `Applied ${applied.join(', ')}.`,
      )
    })
  const reconciling = program
    .command('reconcile')
    .description('prove that everything the outboxes vouch for is stored; exit 1 when it is not')
    .addOption(dataDirOption())
    .option('--full', 'read all of bronze again, also what a run of the last day has read')
    .addOption(
      new Option('--grace <seconds>', 'count a seal only once it has been stored for so long, where several loggers run')
        .default(0)
        .argParser(wholeNumber({ from: 0, to: 999_999 })),
    )
    .addOption(jsonOption())
    .action(async ({ full = false, grace, ...options }: CommandOptions & { full?: boolean; grace: number }) => {
      const report = await withWarehouse(options, (warehouse) => reconcile(warehouse, { full, graceSeconds: grace }))
      print(options, report, toReportText)
      if (!report.ok) process.exitCode = 1
    })
  registerAcknowledgeCommand(reconciling)
  registerRejectsCommand(program)
}

type AcknowledgeOptions = CommandOptions & { reason: string; author: string; tenant?: string; table?: string }

function registerAcknowledgeCommand(reconciling: Command): void {
  reconciling
    .command('acknowledge')
    .description('say that the two payloads under an id are known: reconcile then shows them apart, and is no alarm')
    .argument('<id>', 'the id, as reconcile names it')
    .requiredOption('--reason <text>', 'the reason why nothing is to be done, which is kept with the id', toReason)
    .option('--author <name>', 'the name of who says so', userInfo().username)
    .option('--tenant <name>', 'the tenant, where several have the id')
    .option('--table <name>', 'the table, where several have the id, as bronze.label_events')
    .configureHelp({ showGlobalOptions: true })
    .action(async (id: string, _: unknown, command: Command) => {
      // The command `acknowledge` is a part of `reconcile`, whose options may stand before the word or behind it.
      const { reason, author, tenant, table, ...options } = command.optsWithGlobals<AcknowledgeOptions>()
      const nowMs = Date.now()
      const done = await withWarehouse(options, (warehouse) => acknowledge(warehouse, { id, tenant, table, author, reason, nowMs }))
      print(options, done, () => `Acknowledged ${done.table} ${id} with its payloads ${done.payload_hashes.join(', ')}.`)
    })
}

function toReason(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('must say something.')
  return text
}
