import { spawnSync } from 'node:child_process'

const packages = { 'redis-server': 'redis-server', 'nats-server': 'nats-server' } as const
type Binary = keyof typeof packages

/**
 * Before tests with real servers: on Debian or Ubuntu, as root, installs those that the PATH lacks and says so. Elsewhere their
 * tests are skipped, or with REQUIRE_SERVICES=1 nothing is run at all.
 */
export function setup(): void {
  const missing = findMissing()
  if (missing.length === 0) return
  const reason = whyNotInstalled() ?? install(missing)
  const still = findMissing()
  if (still.length === 0) return
  const message = `${still.join(' and ')} not on the PATH${reason === undefined ? '' : ` (${reason})`}`
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, and ${message}`)
  say(`tests with real servers are skipped: ${message}`)
}

function findMissing(): Binary[] {
  return (Object.keys(packages) as Binary[]).filter((binary) => spawnSync(binary, ['--version']).error !== undefined)
}

function whyNotInstalled(): string | undefined {
  if (process.getuid?.() !== 0) return 'they are installed for root only'
  return spawnSync('apt-get', ['--version']).error === undefined ? undefined : 'they are installed with apt-get only'
}

/** Why it failed; undefined when it did not. */
function install(missing: readonly Binary[]): string | undefined {
  const names = missing.map((binary) => packages[binary])
  say(`installing ${names.join(' and ')} with apt-get, for tests with real servers`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args: string[]) => spawnSync('apt-get', ['-qq', ...args], { env, stdio: 'ignore', timeout: 180_000 }).status === 0
  const isInstalled = () => apt('install', '-y', '--no-install-recommends', ...names)
  return isInstalled() || (apt('update') && isInstalled()) ? undefined : 'apt-get failed'
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
