import type { Command } from 'commander'
import { type CommandOptions, dataDirOption, jsonOption } from '../platform/command/options.ts'

export function registerStatusCommand(program: Command): void {
  program
    .command('status')
    .description('show services, lag, outbox, freshness and last errors on one screen')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExit status 1 when a service is down or not ready.')
    .action(async (options: CommandOptions) => {
      const { collectStatus } = await import('./status/collect-status.ts')
      const { toStatusScreen } = await import('./status/status-screen.ts')
      const status = await collectStatus(options.dataDir)
      process.stdout.write(options.json ? `${JSON.stringify(status)}\n` : `${toStatusScreen(status, new Date())}\n`)
      if (!status.ok) process.exitCode = 1
    })
}
