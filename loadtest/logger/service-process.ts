import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Command, serviceCommand } from '../../platform/service/service-command.ts'
import type { ServiceMessage } from '../../platform/service/service.ts'

/** A service of the product as a process of its own, as `hindsight up` starts it. */
export type ServiceProcess = {
  pid: number | undefined
  http: string
  /** The URL of its admin listener. */
  admin: string
  stop(signal?: NodeJS.Signals): Promise<void>
  signal(signal: NodeJS.Signals): void
}

/** The code that a service runs, a folder of the project with its `node_modules`, and the Node.js that runs it. */
export type Runtime = { root: string; node: string }

export const ownRuntime: Runtime = { root: fileURLToPath(new URL('../..', import.meta.url)), node: process.execPath }

/** What the services of a measured system and its clients show the embedded warehouse. */
export const warehousePassword = 'measured'

/** How a service is started; with this project's own code and Node.js where `runtime` is left out. */
export type Launch = {
  runtime?: Runtime | undefined
  /** What Node.js is given before the entry, as `--cpu-prof`; what it imports comes after what lets it import TypeScript. */
  nodeArgs?: readonly string[]
}

/** Resolves when it is ready; rejects with why it is not. */
export async function startService(
  entry: string,
  env: Record<string, string>,
  { runtime: { root, node } = ownRuntime, nodeArgs = [] }: Launch = {},
): Promise<ServiceProcess> {
  const { command, args } = await commandOf(entry, { root, node })
  const child = spawn(command, [...args, ...nodeArgs, join(root, entry)], {
    cwd: root,
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

/** The command of a service as its checkout starts it: on Bun where `HINDSIGHT_GATEWAY_RUNTIME` says so, unless another Node.js is measured. */
async function commandOf(entry: string, { root, node }: Runtime): Promise<Command> {
  const path = join(root, 'platform/service/service-command.ts')
  // Checkouts of before it was there give every service the same.
  if (!existsSync(path)) return { command: node, args: [`--import=${pathToFileURL(join(root, 'platform/typescript/register.js'))}`] }
  const own = (await import(pathToFileURL(path).href)) as { serviceCommand: typeof serviceCommand }
  const env = node === ownRuntime.node ? process.env : { ...process.env, HINDSIGHT_GATEWAY_RUNTIME: 'node' }
  const { command, args } = own.serviceCommand(dirname(entry), env)
  return { command: command === process.execPath ? node : command, args }
}

async function firstMessage(child: ChildProcess): Promise<ServiceMessage> {
  const [message] = (await once(child, 'message')) as [ServiceMessage]
  return message
}
