import { cpSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createWarehouse } from '../../platform/warehouse/warehouse-clickhouse.ts'
import { fillWindows } from '../logger/flights.ts'
import { startService, type ServiceProcess, warehousePassword } from '../logger/service-process.ts'
import { addSlowModel } from './slow-model.ts'
import type { Target } from './target.ts'

const models = fileURLToPath(new URL('../../models', import.meta.url))

/**
 * Warehouse, logger, features and gateway in a folder of their own, and the forwarder where `NATS_URL` is set, on the example
 * project and the slow model; its windows are filled. `REDIS_URL` and `NATS_URL` count, as for `npm start`.
 */
export async function startLocalSystem(): Promise<Target> {
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-loadtest-'))
  const started: ServiceProcess[] = []
  const start = async (entry: string, env: Record<string, string>) => {
    const service = await startService(entry, env)
    started.push(service)
    return service
  }
  const close = async () => {
    for (const service of started.toReversed()) await service.stop()
    await rm(dir, { recursive: true, force: true })
  }
  try {
    const env = { HINDSIGHT_DATA_DIR: join(dir, 'data'), HINDSIGHT_PROJECT_DIR: writeProject(dir) }
    const own = { HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0' }
    const warehouse = await start('embedded-warehouse/main.ts', { ...env, ...own })
    const stored = { ...env, CLICKHOUSE_URL: warehouse.http }
    await start('logger/main.ts', stored)
    if (process.env['NATS_URL'] !== undefined) await start('forwarder/main.ts', stored)
    await start('features/main.ts', stored)
    const gateway = await start('gateway/main.ts', { ...stored, HINDSIGHT_PORT: '0' })
    await fillWindows(gateway.http)
    const client = createWarehouse({ url: warehouse.http, password: warehousePassword })
    return {
      url: gateway.http,
      admin: gateway.admin,
      warehouse: client,
      own: { dir, stopWarehouse: () => warehouse.signal('SIGSTOP'), continueWarehouse: () => warehouse.signal('SIGCONT') },
      async close() {
        await client.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

function writeProject(dir: string): string {
  const project = join(dir, 'project')
  cpSync(models, project, { recursive: true, filter: (path) => !['demo', 'train'].includes(basename(path)) })
  addSlowModel(project)
  return project
}
