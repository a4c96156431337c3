import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '../../contracts/canonical-json.ts'

/** The oldest Python for which the pinned packages can be installed. */
const oldestPython = [3, 10] as const
const installMs = 8 * 60_000

/** Programs of an environment, or why there is none. */
export type PythonEnvironment = { bin(name: string): string } | { missing: string }

/** The environment `.venv` beside a `requirements.txt`, made where it is not there or is of others, unless `install` is false. */
export function preparePython(folder: string, options: { install: boolean; saying: string }): PythonEnvironment {
  const environment = join(folder, '.venv')
  const requirements = join(folder, 'requirements.txt')
  const stamp = join(environment, `hindsight-${sha256Hex(readFileSync(requirements)).slice(0, 16)}`)
  const ready = { bin: (name: string) => join(environment, 'bin', name) }
  if (existsSync(stamp)) return ready
  if (!options.install) return { missing: 'not installed' }
  const python = findPython()
  if (python === undefined) return { missing: `no python3 of ${oldestPython.join('.')} or newer on the PATH` }
  process.stderr.write(`${options.saying}\n`)
  rmSync(environment, { recursive: true, force: true })
  if (!run(python, ['-m', 'venv', environment])) return { missing: 'python3 -m venv failed' }
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '1', '--timeout', '20', '-r', requirements]
  if (!run(ready.bin('python'), pip)) return { missing: `pip could not install ${requirements}` }
  writeFileSync(stamp, '')
  return ready
}

function findPython(): string | undefined {
  const [major, minor] = oldestPython
  const isNewEnough = ['-c', `import sys; sys.exit(sys.version_info < (${major}, ${minor}))`]
  return ['python3', 'python'].find((name) => run(name, isNewEnough))
}

function run(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], timeout: installMs }).status === 0
}
