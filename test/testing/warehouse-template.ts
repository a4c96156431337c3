import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A folder of this run, where the first test that needs a migrated warehouse leaves one for the others to copy. */
    warehouseTemplate: string
  }
}

export function setup(project: TestProject): () => void {
  const dir = mkdtempSync(join(tmpdir(), 'hindsight-template-'))
  project.provide('warehouseTemplate', dir)
  return () => rmSync(dir, { recursive: true, force: true })
}
