import { startTestWarehouse } from './testing/warehouse-chdb.ts'
import { warehouseContract } from '../platform/warehouse/warehouse.contract.ts'

warehouseContract('embedded', startTestWarehouse)

const url = process.env['CLICKHOUSE_URL']
if (url !== undefined && url !== '') {
  const user = process.env['CLICKHOUSE_USER']
  const password = process.env['CLICKHOUSE_PASSWORD']
  const server = { url, ...(user !== undefined && { user }), ...(password !== undefined && { password }), stop: () => Promise.resolve() }
  warehouseContract('server', () => Promise.resolve(server))
} else process.stdout.write('CLICKHOUSE_URL is not set: the warehouse contract runs on the embedded engine only\n')
