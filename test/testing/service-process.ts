import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serviceCommand } from '../../platform/service/service-command.ts'
import type { ServiceMessage, ServiceName } from '../../platform/service/service.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const entry = (service: ServiceName) => (service === 'warehouse' ? 'embedded-warehouse/main.ts' : `${service}/main.ts`)

/** One service as a process of its own, without a supervisor that would start it again. */
export type ServiceProcess = {
  addresses: Record<string, string>
  /** Sends SIGTERM; resolves with the exit status, null when a signal ended it. */
  stop(): Promise<number | null>
  kill(): void
}

/** Resolves once it has started; rejects with why it refuses to. */
export async function startService(service: ServiceName, env: Record<string, string>): Promise<ServiceProcess> {
  const { command, args } = serviceCommand(service)
  const child = spawn(command, [...args, join(root, entry(service))], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '32', HINDSIGHT_LOG_LEVEL: 'fatal', ...env },
  })
  const ended = once(child, 'exit') as Promise<[number | null]>
  const message = await Promise.race([firstMessage(child), ended.then(([code]) => `${service} ended with ${code}`)])
  if (typeof message === 'string') throw new Error(message)
  if (message.type === 'failed') throw new Error(`${message.code}: ${message.message}`)
  if (message.type !== 'ready') throw new Error(`the first message of ${service} is ${message.type}`)
  return {
    addresses: message.addresses,
    async stop() {
      child.kill('SIGTERM')
      return (await ended)[0]
    },
    kill: () => void child.kill('SIGKILL'),
  }
}

async function firstMessage(child: ChildProcess): Promise<ServiceMessage> {
  return ((await once(child, 'message')) as [ServiceMessage])[0]
}
