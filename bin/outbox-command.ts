import type { Command } from 'commander'
import { dataDirOption, jsonOption } from './options.ts'

export function registerOutboxCommand(program: Command): void {
  program
    .command('outbox')
    .description('what the outboxes of a data directory hold, and how far each consumer has come')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nReads files only: works while nothing runs, and changes nothing.')
    .action(async (options: { dataDir: string; json?: boolean }) => {
      const { join } = await import('node:path')
      const { describeOutbox } = await import('../platform/outbox/describe-outbox.ts')
      const { toOutboxReport, toOutboxText } = await import('./status/outbox-report.ts')
      const { writers } = await describeOutbox(join(options.dataDir, 'outbox'))
      const report = toOutboxReport(writers, Date.now())
      process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : toOutboxText(report)}\n`)
    })
}
