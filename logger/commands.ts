import { type Command, InvalidArgumentError, Option } from 'commander'
import { migrate } from '../platform/schema/migrate.ts'
import { type CommandOptions, dataDirOption, print, withWarehouse } from './command-options.ts'
import { reconcile } from './reconcile/reconcile.ts'
import { toReportText } from './reconcile/report-text.ts'
import { registerRejectsCommand } from './rejects/commands.ts'

/** Adds `migrate`, `reconcile` and `rejects`. */
export function registerCommands(program: Command): void {
  program
    .command('migrate')
    .description('bring the warehouse to the shape of this version, and exit')
    .addOption(dataDirOption())
    .option('--json', 'print JSON')
    .action(async (options: CommandOptions) => {
      const applied = await withWarehouse(options, migrate)
      print(options, { applied }, applied.length === 0 ? 'Nothing to do: the warehouse is up to date.' : `Applied ${applied.join(', ')}.`)
    })
  program
    .command('reconcile')
    .description('prove that everything the outboxes vouch for is stored; exit 1 when it is not')
    .addOption(dataDirOption())
    .option('--full', 'read all of bronze again, also what a run of the last day has read')
    .addOption(
      new Option('--grace <seconds>', 'count a seal once it has been stored for so long: for several loggers')
        .default(0)
        .argParser(toSeconds),
    )
    .option('--json', 'print JSON')
    .action(async ({ full = false, grace, ...options }: CommandOptions & { full?: boolean; grace: number }) => {
      const report = await withWarehouse(options, (warehouse) => reconcile(warehouse, { full, graceSeconds: grace }))
      print(options, report, toReportText(report))
      if (!report.ok) process.exitCode = 1
    })
  registerRejectsCommand(program)
}

function toSeconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('must be a number of seconds.')
  return Number(text)
}
