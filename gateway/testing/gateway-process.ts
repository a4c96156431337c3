import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { serviceCommand } from '../../platform/service/service-command.ts'
import type { ServiceMessage } from '../../platform/service/service.ts'

export type GatewayProcess = {
  url: string
  /** The URL of its admin listener. */
  admin: string
  /** Ends it with the signal and resolves with its exit status, null when the signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

const script = fileURLToPath(new URL('../main.ts', import.meta.url))

/** The gateway as a process of its own on a free port; resolves when it is ready, rejects with why it is not. */
export async function startGatewayProcess(options: {
  projectDir: string
  dataDir: string
  env?: Record<string, string>
}): Promise<GatewayProcess> {
  const { command, args } = serviceCommand('gateway')
  const child = spawn(command, [...args, script], {
    env: {
      ...process.env,
      HINDSIGHT_PROJECT_DIR: options.projectDir,
      HINDSIGHT_DATA_DIR: options.dataDir,
      HINDSIGHT_PORT: '0',
      HINDSIGHT_LOG_LEVEL: 'fatal',
      HINDSIGHT_INFERENCE_THREADS: '1',
      // Nothing listens there: the gateway starts and predicts without a warehouse.
      CLICKHOUSE_URL: 'http://127.0.0.1:1',
      ...options.env,
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const message = await Promise.race([firstMessage(child), exited.then(([code]) => `exited with ${code}` as const)])
  if (typeof message === 'string') throw new Error(message)
  if (message.type === 'failed') throw new Error(`${message.code}: ${message.message}`)
  if (message.type !== 'ready') throw new Error(`the gateway's first message is ${message.type}`)
  return {
    url: message.addresses['http'] ?? '',
    admin: message.admin,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      return (await exited)[0]
    },
  }
}

async function firstMessage(child: ChildProcess): Promise<ServiceMessage> {
  const [message] = (await once(child, 'message')) as [ServiceMessage]
  return message
}
