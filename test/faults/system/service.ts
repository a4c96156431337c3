import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serviceCommand } from '../../../platform/service/service-command.ts'
import type { ServiceMessage } from '../../../platform/service/service.ts'
import { createProcess, type HarnessProcess } from './process.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

export type Service = HarnessProcess & {
  /** The addresses that it told at its last readiness. */
  addresses(): Record<string, string>
}

export type ServiceOptions = {
  name: string
  /** The entry's path relative to the repository. */
  entry: string
  /** A module that is loaded before the entry. */
  preload?: string | undefined
  env: () => NodeJS.ProcessEnv
  logDir: string
}

/** A service of the product as a process of its own, which nobody but the harness starts again. */
export function createService({ name, entry, preload, env, logDir }: ServiceOptions): Service {
  let addresses: Record<string, string> = {}
  const { command, args } = serviceCommand(name)
  const preloads = preload === undefined ? [] : ['--import', join(root, preload)]
  const process_ = createProcess({
    name,
    command,
    args: () => [...args, ...preloads, join(root, entry)],
    env,
    cwd: root,
    logFile: join(logDir, `${name}.log`),
    ipc: true,
    async ready(child, ended) {
      const gone = ended.then(() => undefined)
      const first = await Promise.race([once(child, 'message').then(([message]) => message as ServiceMessage), gone])
      if (first?.type === 'failed') throw new Error(`${name} refused to start: ${first.message}`)
      if (first?.type === 'ready') addresses = first.addresses
    },
  })
  return { ...process_, addresses: () => addresses }
}
