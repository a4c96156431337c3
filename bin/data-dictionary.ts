import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { syncLabeler } from '../labeler/sync.ts'
import { loadProject } from '../platform/project/load-project.ts'
import { renderDataDictionary } from '../platform/schema/data-dictionary.ts'
import { migrate } from '../platform/schema/migrate.ts'
import { startTestWarehouse } from '../embedded-warehouse/testing/warehouse-chdb.ts'

export const dataDictionaryFile = fileURLToPath(new URL('../docs/data-dictionary.md', import.meta.url))

/** The data dictionary of a warehouse as this version makes it: the logger's tables and the labeler's views. */
export async function generateDataDictionary(): Promise<string> {
  const server = await startTestWarehouse()
  try {
    await migrate(server.warehouse)
    await syncLabeler(server.warehouse, await loadProject(fileURLToPath(new URL('../models', import.meta.url))))
    return await renderDataDictionary(server.warehouse)
  } finally {
    await server.stop()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(dataDictionaryFile, await generateDataDictionary())
