import { connectionFromRunFiles } from '../service/run-files.ts'
import type { Warehouse } from '../warehouse/warehouse.ts'
import type { CommandOptions } from './options.ts'

/** Uses the warehouse of a running system, and closes it. Its client is loaded here, so that no command's help waits for it. */
export async function withWarehouse<T>({ dataDir }: CommandOptions, use: (warehouse: Warehouse) => Promise<T>): Promise<T> {
  const { createWarehouse } = await import('../warehouse/warehouse-clickhouse.ts')
  const { clickhouseUrl: url, clickhouseUser: user, clickhousePassword: password } = connectionFromRunFiles(dataDir)
  const warehouse = createWarehouse({ url, user, password })
  try {
    return await use(warehouse)
  } finally {
    await warehouse.close()
  }
}
