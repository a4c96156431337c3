import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { ServiceError } from '../../contracts/errors.ts'
import { typescriptArgs } from '../typescript/typescript-args.ts'

export type Command = { command: string; args: readonly string[] }

/** The oldest Bun on which the gateway's tests passed; 1.3 does not count the processor time of a thread. */
const oldestBun = '1.4.0'
const packageName = '@oven/bun-linux-x64'

/** Arguments that keep Bun from what Node.js does not do by itself: reading .env files, fetching packages. */
const bunArgs = ['--no-env-file', '--no-install']

/**
 * The command that runs a service's entry: this Node.js, or for the gateway the runtime that `HINDSIGHT_GATEWAY_RUNTIME` names.
 * Throws `invalid_config` where that is not there or too old.
 */
export function serviceCommand(service: string, env: NodeJS.ProcessEnv = process.env): Command {
  const runtime = service === 'gateway' ? env['HINDSIGHT_GATEWAY_RUNTIME'] || 'node' : 'node'
  if (runtime === 'bun') return { command: findBun(env), args: bunArgs }
  if (runtime === 'node')
    return { command: process.execPath, args: [...typescriptArgs, ...(service === 'gateway' ? gatewayHeapArgs(env) : [])] }
  throw new ServiceError('invalid_config', `HINDSIGHT_GATEWAY_RUNTIME: expected node or bun, got ${runtime}`)
}

/** The most cores on which the threads of V8's garbage collector keep the event loop waiting, as they want the same ones. */
const fewCores = 4

/**
 * What V8 is told of the gateway's heap, as far as `NODE_OPTIONS` does not say it. Nearly all that a request makes is garbage when it is
 * answered, so a young generation of several times what is under way is collected seldom, and little of it is left to copy. V8 would
 * take what outlives the first of these for long-lived and make the likes of it old at once, with all that they refer to; code of its
 * middle compiler, which newer ones have, does so by itself.
 */
function gatewayHeapArgs(env: NodeJS.ProcessEnv): string[] {
  const args = [
    '--max-semi-space-size=32',
    '--no-allocation-site-pretenuring',
    '--no-maglev',
    ...(availableParallelism() <= fewCores ? ['--single-threaded-gc'] : []),
  ]
  return args.filter((arg) => !env['NODE_OPTIONS']?.includes(arg.split('=')[0] as string))
}

/** The Bun of the PATH, or else of the npm package. */
function findBun(env: NodeJS.ProcessEnv): string {
  const found = ['bun', packaged()].flatMap((command) => {
    const version = command === undefined ? undefined : versionOf(command, env)
    return command === undefined || version === undefined ? [] : [{ command, version }]
  })
  const usable = found.find(({ version }) => !isOlder(version, oldestBun))
  if (usable !== undefined) return usable.command
  const old = found.map(({ version }) => version).join(' and ')
  const problem = old === '' ? 'it is neither on the PATH nor installed' : `${old} is older than ${oldestBun}`
  throw new ServiceError('invalid_config', `HINDSIGHT_GATEWAY_RUNTIME is bun, and ${problem}`, {
    hint: `npm install --no-save ${packageName}@latest`,
  })
}

function packaged(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(`${packageName}/bin/bun`)
  } catch {
    return undefined
  }
}

function versionOf(command: string, env: NodeJS.ProcessEnv): string | undefined {
  const { status, stdout } = spawnSync(command, ['--version'], { env, encoding: 'utf8' })
  return status === 0 ? /^\d+\.\d+\.\d+/.exec(stdout)?.[0] : undefined
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0
}
