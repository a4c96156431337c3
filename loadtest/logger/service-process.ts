import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ServiceMessage } from '../../platform/service/service.ts'
import { typescriptArgs } from '../../platform/typescript/typescript-args.ts'

/** A service of the product as a process of its own, as `hindsight up` starts it. */
export type ServiceProcess = {
  pid: number | undefined
  http: string
  /** The URL of its admin listener. */
  admin: string
  stop(signal?: NodeJS.Signals): Promise<void>
  signal(signal: NodeJS.Signals): void
}

/** What the services of a measured system and its clients show the embedded warehouse. */
export const warehousePassword = 'measured'

/** Resolves when it is ready; rejects with why it is not. `nodeArgs` go to Node before the entry, as `--cpu-prof`. */
export async function startService(entry: string, env: Record<string, string>, nodeArgs: readonly string[] = []): Promise<ServiceProcess> {
  const script = fileURLToPath(new URL(`../../${entry}`, import.meta.url))
  const child = spawn(process.execPath, [...nodeArgs, ...typescriptArgs, script], {
    env: { ...process.env, HINDSIGHT_LOG_LEVEL: 'error', CLICKHOUSE_PASSWORD: warehousePassword, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const message = await Promise.race([firstMessage(child), exited.then(() => undefined)])
  if (message === undefined) throw new Error(`${entry} ended before it was ready`)
  if (message.type === 'failed') throw new Error(`${entry}: ${message.message}`)
  if (message.type !== 'ready') throw new Error(`the first message of ${entry} is ${message.type}`)
  return {
    pid: child.pid,
    http: message.addresses['http'] ?? '',
    admin: message.admin,
    signal: (signal) => void child.kill(signal),
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      await exited
    },
  }
}

async function firstMessage(child: ChildProcess): Promise<ServiceMessage> {
  const [message] = (await once(child, 'message')) as [ServiceMessage]
  return message
}
