import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { sha256Hex } from '../../contracts/canonical-json.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const environment = join(folder, '.venv')
const requirements = join(folder, 'requirements.txt')

/** What the pinned clients can be installed for. */
const oldestPython = [3, 10] as const
const installMs = 8 * 60_000

/** Programs of an environment with the pinned clients, or why there is none. */
export type PythonClients = { bin(name: string): string } | { missing: string }

/** With REQUIRE_SERVICES=1 makes the environment beside this file where it is not there or is another's, in a minute or two. */
export function preparePythonClients(): PythonClients {
  const stamp = join(environment, `hindsight-${sha256Hex(readFileSync(requirements)).slice(0, 16)}`)
  const ready = { bin: (name: string) => join(environment, 'bin', name) }
  if (existsSync(stamp)) return ready
  // Half a gigabyte is not for whoever only runs the tests.
  if (process.env['REQUIRE_SERVICES'] !== '1') return { missing: 'not installed; REQUIRE_SERVICES=1 npm test installs them (560 MB)' }
  const python = findPython()
  if (python === undefined) return { missing: `no python3 of ${oldestPython.join('.')} or newer on the PATH` }
  process.stderr.write('installing the Python clients that judge the Open Inference Protocol\n')
  rmSync(environment, { recursive: true, force: true })
  if (!run(python, ['-m', 'venv', environment])) return { missing: 'python3 -m venv failed' }
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '1', '--timeout', '20', '-r', requirements]
  if (!run(ready.bin('python'), pip)) return { missing: 'pip could not install test/v2/requirements.txt' }
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
