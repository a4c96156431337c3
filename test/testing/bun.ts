import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { ServiceError } from '../../contracts/errors.ts'
import { serviceCommand } from '../../platform/service/service-command.ts'

const packageName = '@oven/bun-linux-x64'
const installMs = 3 * 60_000

/** An environment in which the gateway runs on Bun, or why there is none. */
export type BunEnvironment = { env: Record<string, string>; remove(): void } | { missing: string }

/** Finds the Bun that is there. Where there is none, REQUIRE_SERVICES=1 installs the newest of the npm package in a folder that `remove` removes. */
export function prepareBun(): BunEnvironment {
  const env = { HINDSIGHT_GATEWAY_RUNTIME: 'bun' }
  try {
    serviceCommand('gateway', { ...process.env, ...env })
    return { env, remove: () => undefined }
  } catch (error) {
    if (process.env['REQUIRE_SERVICES'] !== '1') return { missing: error instanceof ServiceError ? error.message : String(error) }
  }
  const dir = mkdtempSync(join(tmpdir(), 'hindsight-bun-'))
  const remove = () => rmSync(dir, { recursive: true, force: true })
  const args = ['install', '--silent', '--no-save', '--ignore-scripts', '--prefix', dir, `${packageName}@latest`]
  const { status } = spawnSync('npm', args, { stdio: ['ignore', 'inherit', 'inherit'], timeout: installMs })
  if (status !== 0) throw new Error(`npm could not install ${packageName}`)
  const PATH = [join(dir, 'node_modules', packageName, 'bin'), process.env['PATH']].join(delimiter)
  return { env: { ...env, PATH }, remove }
}
