import type { Command } from 'commander'
import { type CommandOptions, dataDirOption, jsonOption } from '../platform/command/options.ts'
import { print } from '../platform/command/output.ts'

export function registerOutboxCommand(program: Command): void {
  program
    .command('outbox')
    .description('show what the outboxes of a data directory hold, and how far each consumer has come')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nReads files only: works while nothing runs, and changes nothing.')
    .action(async (options: CommandOptions) => {
      const { join } = await import('node:path')
      const { describeOutbox } = await import('../platform/outbox/describe-outbox.ts')
      const { toOutboxReport, toOutboxText } = await import('./status/outbox-report.ts')
      const { writers } = await describeOutbox(join(options.dataDir, 'outbox'))
      print(options, toOutboxReport(writers, Date.now()), toOutboxText)
    })
}
