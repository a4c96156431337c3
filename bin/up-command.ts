import { type Command, Option } from 'commander'
import type { UpOptions } from './up.ts'
import { dataDirOption, portOption, projectOption } from '../platform/command/options.ts'
import { parseCount, parseDay } from '../platform/command/parse-options.ts'

export function registerUpCommand(program: Command): void {
  program
    .command('up')
    .description('run every service on this machine until Ctrl-C')
    .addOption(projectOption())
    .addOption(dataDirOption())
    .addOption(portOption())
    .option('--demo', 'replay one day of real flights through the HTTP API and report', false)
    .option('--no-demo', 'do not replay a day of flights')
    .addOption(new Option('--day <date>', 'the day of the demo, in 2001').default('2001-06-04').argParser(parseDay))
    .addOption(new Option('--days <n>', 'how many days of flights, from --day on').default(1).argParser(parseCount))
    .addOption(new Option('--hours <n>', 'replay only the flights that depart in the first n hours').argParser(parseCount))
    .option('--exit', 'end after the report, with status 0 only if everything is as it should be', false)
    .addHelpText(
      'after',
      `
The embedded warehouse is not started when CLICKHOUSE_URL says where ClickHouse is.
The online store is Redis when REDIS_URL says where it is.
The event log goes by NATS JetStream when NATS_URL says where it is.
Logs of the services: <data-dir>/logs/<service>.log`,
    )
    .action(async (options: UpOptions) => {
      const { up } = await import('./up.ts')
      process.exitCode = await up(options)
    })
}
