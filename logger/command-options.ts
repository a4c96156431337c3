import { Option } from 'commander'
import { connectionFromRunFiles } from '../platform/service/run-files.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'

export type CommandOptions = { dataDir: string; json?: boolean }

export function dataDirOption(): Option {
  return new Option('--data-dir <dir>', 'where a running Hindsight keeps its data').env('HINDSIGHT_DATA_DIR').default('.hindsight')
}

export async function withWarehouse<T>({ dataDir }: CommandOptions, use: (warehouse: Warehouse) => Promise<T>): Promise<T> {
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

export function print({ json }: Pick<CommandOptions, 'json'>, value: unknown, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(value, null, 2) : text}\n`)
}
