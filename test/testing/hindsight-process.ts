import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readRunFile } from '../../platform/service/run-files.ts'
import type { ServiceName } from '../../platform/service/service.ts'
import { type Warehouse } from '../../platform/warehouse/warehouse.ts'
import { readPassword } from '../../platform/service/warehouse-password.ts'
import { createWarehouse } from '../../platform/warehouse/warehouse-clickhouse.ts'
import { writePatientProject } from './patient-project.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

type UpOptions = { dataDir: string; args?: string[]; env?: Record<string, string> }

export type Ended = { code: number | null; signal: NodeJS.Signals | null }

/** `hindsight up` as a process, with all its services. */
export type HindsightProcess = {
  url: string
  dataDir: string
  warehouse: Warehouse
  /** The text that it has printed. */
  output(): string
  pidOf(service: ServiceName): number | undefined
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

/** A temporary data directory, removed by `remove`. */
export function createDataDirectory(): { dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'hindsight-e2e-'))
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }) }
}

/** Starts the whole system on free ports, with the example project and no latency budget to speak of, and waits until it is ready. */
export async function startHindsight(options: UpOptions): Promise<HindsightProcess> {
  const args = ['--project', writePatientProject(options.dataDir), ...(options.args ?? [])]
  const { child, output, ended } = spawnUp({ ...options, args })
  const url = await waitForAddress(output, ended)
  const warehouseUrl = readRunFile(options.dataDir, 'warehouse')?.addresses['http']
  if (warehouseUrl === undefined) throw new Error('the warehouse left no run file')
  const warehouse = createWarehouse({ url: warehouseUrl, password: readPassword(options.dataDir) })
  return {
    url,
    dataDir: options.dataDir,
    warehouse,
    output,
    pidOf: (service) => readRunFile(options.dataDir, service)?.pid,
    stop: async (signal = 'SIGTERM') => {
      await warehouse.close()
      child.kill(signal)
      return ended
    },
  }
}

/** Starts it and waits for its end, which is expected to come by itself. */
export async function runUp(options: UpOptions): Promise<Ended & { output: string }> {
  const { output, ended } = spawnUp(options)
  return { ...(await ended), output: output() }
}

function spawnUp({ dataDir, args = [], env = {} }: UpOptions) {
  const child = spawn(process.execPath, ['bin/hindsight.js', 'up', '--port', '0', '--data-dir', dataDir, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Free ports are taken, so that a system that runs on this machine is left alone.
    env: { ...process.env, CLICKHOUSE_URL: '', HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0', ...env },
  })
  return { child, output: collect(child), ended: endOf(child) }
}

async function endOf(child: ChildProcess): Promise<Ended> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal }
}

function collect(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return () => text
}

async function waitForAddress(output: () => string, ended: Promise<Ended>): Promise<string> {
  let over = false
  void ended.then(() => (over = true))
  for (;;) {
    const url = /^ready: (\S+)/m.exec(output())?.[1]
    if (url !== undefined) return url
    if (over) throw new Error(`hindsight ended before it was ready:\n${output()}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}
