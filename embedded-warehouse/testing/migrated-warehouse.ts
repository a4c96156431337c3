import { existsSync } from 'node:fs'
import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { migrate } from '../../platform/schema/migrate.ts'
import { startTestWarehouse, type TestWarehouse } from './warehouse-chdb.ts'

/** Starts a test warehouse with every migration applied. The first of a run migrates, the others begin with a copy of its files. */
export async function startMigratedWarehouse(): Promise<TestWarehouse> {
  const template = join(inject('warehouseTemplate'), 'migrated')
  if (!existsSync(template)) await makeTemplate(template)
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-warehouse-'))
  await cp(template, dir, { recursive: true, verbatimSymlinks: true })
  const server = await startTestWarehouse({ dir })
  return {
    ...server,
    async stop() {
      await server.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function makeTemplate(template: string): Promise<void> {
  const dir = await mkdtemp(`${template}-`)
  const server = await startTestWarehouse({ dir })
  await migrate(server.warehouse)
  await server.stop()
  // Several may make one at the same moment; the first that is whole stays.
  await rename(dir, template).catch(() => rm(dir, { recursive: true }))
}
