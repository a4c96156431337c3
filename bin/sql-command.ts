import type { Command } from 'commander'
import { type CommandOptions, dataDirOption, jsonOption } from '../platform/command/options.ts'

export function registerSqlCommand(program: Command): void {
  program
    .command('sql')
    .description('run a query on the read-only port of the warehouse')
    .argument('<query>', 'SQL; - reads it from standard input')
    .option('--format <name>', "the output format, any of ClickHouse's, as CSVWithNames", 'PrettyCompactMonoBlock')
    .addOption(jsonOption().conflicts('format'))
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      `
Examples:
  hindsight sql "select model_version, count() from gold.predictions group by 1"
  hindsight sql "select * from gold.predictions limit 3" --format Vertical
  hindsight sql "select * from gold.predictions" --format Parquet > predictions.parquet`,
    )
    .action(async (query: string, options: CommandOptions & { format: string }) => {
      const { streamQuery } = await import('./sql-clickhouse.ts')
      const { connectionFromRunFiles } = await import('../platform/service/run-files.ts')
      const connection = connectionFromRunFiles(options.dataDir)
      await streamQuery({
        url: connection.readOnlyClickhouseUrl,
        user: connection.clickhouseUser,
        password: connection.readOnlyClickhousePassword,
        query: query === '-' ? await readAll(process.stdin) : query,
        format: options.json ? 'JSONEachRow' : options.format,
        to: process.stdout,
      })
    })
}

async function readAll(input: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of input) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
