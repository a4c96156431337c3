import { Command } from 'commander'
import { registerCheckCommand } from './check-command.ts'
import { jsonOption } from '../platform/command/options.ts'
import { reportError } from '../platform/command/output.ts'
import { registerOutboxCommand } from './outbox-command.ts'
import { registerSqlCommand } from './sql-command.ts'
import { registerStatusCommand } from './status-command.ts'
import { registerUpCommand } from './up-command.ts'
import { productVersion } from './version.ts'

/** The `hindsight` command. Sub-commands load what they need when they run, so that `--help` is quick. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that closes early, as `head` does, is no fault of ours: what is left is written to nobody.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe)
  const program = new Command('hindsight')
    .description('An inference gateway with a prediction ledger: every answer is durable, every outcome finds its prediction.')
    .version(productVersion(), '-V, --version', 'print the version')
    .showHelpAfterError('(add --help for the options)')
    .configureHelp({ sortSubcommands: false })
  registerUpCommand(program)
  registerCheckCommand(program)
  registerStatusCommand(program)
  registerOutboxCommand(program)
  registerSqlCommand(program)
  registerVersionCommand(program)
  if (!own.has(argv[2] ?? '')) await registerServiceCommands(program)
  try {
    await program.parseAsync(argv)
  } catch (error) {
    reportError(error, { json: argv.includes('--json') })
    process.exitCode = 1
  }
}

// Commands that need nothing of the services, and start the quicker without importing them.
const own = new Set(['up', 'check', 'status', 'outbox', 'sql', 'version'])

async function registerServiceCommands(program: Command): Promise<void> {
  const services = await Promise.all([
    import('../gateway/commands.ts'),
    import('../labeler/commands.ts'),
    import('../logger/commands.ts'),
    import('../features/commands.ts'),
  ])
  for (const { registerCommands } of services) registerCommands(program)
}

function registerVersionCommand(program: Command): void {
  program
    .command('version')
    .description('print the versions of Hindsight and Node.js')
    .addOption(jsonOption())
    .action((options: { json?: boolean }) => {
      const versions = { hindsight: productVersion(), node: process.versions.node }
      process.stdout.write(options.json ? `${JSON.stringify(versions)}\n` : `hindsight ${versions.hindsight} (Node.js ${versions.node})\n`)
    })
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
}
