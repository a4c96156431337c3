import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type KeptProcess, type KeptProcessOptions, type KeptState, keepProcess } from '../../platform/service/kept-process.ts'
import { type Command, serviceCommand } from '../../platform/service/service-command.ts'
import type { ServiceName } from '../../platform/service/service.ts'

export type ChildState = Omit<KeptState, 'said'> & { service: ServiceName; admin?: string; addresses: Record<string, string> }

/** A service kept running as a process of its own until it is stopped. */
export type ChildService = Omit<KeptProcess, 'state'> & { readonly service: ServiceName; state(): ChildState }

export type ChildOptions = Pick<KeptProcessOptions, 'onEvent' | 'restarts'> & {
  service: ServiceName
  entry: string
  /** Gives the environment, asked for before each start, so that a restart keeps the ports of the first. */
  env: (previous: Record<string, string>) => NodeJS.ProcessEnv
  logDir: string
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const maxLogBytes = 32 * 1024 * 1024

export function startChildService({ service, entry, env, logDir, onEvent, restarts = {} }: ChildOptions): ChildService {
  const log = join(logDir, `${service}.log`)
  const command = serviceCommand(service)
  const kept = keepProcess({
    name: `${service} (see ${log})`,
    launch: (said) => spawnService(command, entry, { env: env(said?.addresses ?? {}), log }),
    toText: (message) => `${service}: ${message.replaceAll('\n', '; ')}`,
    onEvent,
    restarts,
  })
  return {
    ...kept,
    service,
    state() {
      const { said, ...state } = kept.state()
      return { service, ...state, ...(said && { admin: said.admin }), addresses: said?.addresses ?? {} }
    },
  }
}

// The log is a file handed to the child, not a pipe: it outlives the supervisor, and a full pipe blocks nobody.
function spawnService(
  { command, args }: Command,
  entry: string,
  { env, log: path }: { env: NodeJS.ProcessEnv; log: string },
): ChildProcess {
  const log = openLog(path)
  try {
    return spawn(command, [...args, join(root, entry)], { cwd: root, env, stdio: ['ignore', log, log, 'ipc'] })
  } finally {
    closeSync(log)
  }
}

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > maxLogBytes) renameSync(path, `${path}.1`)
  return openSync(path, 'a')
}
