import { type Command, Option } from 'commander'
import { migrate } from '../platform/schema/migrate.ts'
import { connectionFromRunFiles } from '../platform/service/run-files.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { reconcile } from './reconcile/reconcile.ts'
import { toReportText } from './reconcile/report-text.ts'

type Options = { dataDir: string; json?: boolean }

/** Adds `migrate` and `reconcile`. */
export function registerCommands(program: Command): void {
  program
    .command('migrate')
    .description('bring the warehouse to the shape of this version, and exit')
    .addOption(dataDirOption())
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const applied = await withWarehouse(options, migrate)
      print(options, { applied }, applied.length === 0 ? 'Nothing to do: the warehouse is up to date.' : `Applied ${applied.join(', ')}.`)
    })
  program
    .command('reconcile')
    .description('prove that everything the outboxes vouch for is stored; exit 1 when it is not')
    .addOption(dataDirOption())
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const report = await withWarehouse(options, reconcile)
      print(options, report, toReportText(report))
      if (!report.ok) process.exitCode = 1
    })
}

function dataDirOption(): Option {
  return new Option('--data-dir <dir>', 'where a running Hindsight keeps its data').env('HINDSIGHT_DATA_DIR').default('.hindsight')
}

async function withWarehouse<T>({ dataDir }: Options, use: (warehouse: Warehouse) => Promise<T>): Promise<T> {
  const { clickhouseUrl, clickhouseUser, clickhousePassword } = connectionFromRunFiles(dataDir)
  const warehouse = createWarehouse({
    url: clickhouseUrl,
    ...(clickhouseUser !== undefined && { user: clickhouseUser }),
    ...(clickhousePassword !== undefined && { password: clickhousePassword }),
  })
  try {
    return await use(warehouse)
  } finally {
    await warehouse.close()
  }
}

function print({ json }: Options, value: unknown, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(value, null, 2) : text}\n`)
}
