import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { recommendedThreads } from '../engine/engine-chdb.ts'
import { createWarehouse } from '../../platform/warehouse/warehouse-clickhouse.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'

export type TestWarehouse = {
  url: string
  readOnlyUrl: string
  warehouse: Warehouse
  pid: number
  /** Resolves when its process has ended, however. */
  ended: Promise<void>
  /** Ends it as a power cut would: nothing is flushed, the directory stays. */
  kill(): Promise<void>
  stop(): Promise<void>
}

export type TestWarehouseOptions = {
  dir?: string
  /** A write that would make a file larger fails, as it would on a disk without space. */
  maxFileBytes?: number
}

/** A real embedded warehouse in a process of its own, on free ports, in a folder that goes with it unless `dir` is given. */
export async function startTestWarehouse(options: TestWarehouseOptions = {}): Promise<TestWarehouse> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'hindsight-warehouse-')))
  const script = fileURLToPath(new URL('./process-chdb.ts', import.meta.url))
  const command = [process.execPath, '--import=#typescript', script, dir]
  if (options.maxFileBytes !== undefined) command.unshift('sh', '-c', `ulimit -f ${Math.floor(options.maxFileBytes / 512)}; exec "$0" "$@"`)
  const child = spawn(command[0] as string, command.slice(1), {
    env: { ...process.env, UV_THREADPOOL_SIZE: String(recommendedThreads) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const { url, readOnlyUrl } = await firstMessage(child, exited)
  const warehouse = createWarehouse({ url })
  return {
    url,
    readOnlyUrl,
    warehouse,
    pid: child.pid as number,
    ended: exited.then(() => undefined),
    async kill() {
      child.kill('SIGKILL')
      await exited
      await warehouse.close()
    },
    async stop() {
      await warehouse.close()
      if (child.connected) child.disconnect()
      await exited
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true })
    },
  }
}

async function firstMessage(child: ChildProcess, exited: Promise<unknown>): Promise<{ url: string; readOnlyUrl: string }> {
  const message = await Promise.race([
    once(child, 'message').then(([value]) => value as { url: string; readOnlyUrl: string }),
    exited.then(() => undefined),
  ])
  if (message === undefined) throw new Error(`the test warehouse exited with ${child.exitCode ?? child.signalCode} before it was ready`)
  return message
}
