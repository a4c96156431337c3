import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

type Needed = { packageName: string; isThere: () => boolean }

const needed: readonly Needed[] = [
  { packageName: 'redis-server', isThere: () => isCommand('redis-server') },
  { packageName: 'nats-server', isThere: () => isCommand('nats-server') },
  // Debian's chromium has a software Vulkan driver, the GPU of gateway/testing/software-gpu.ts.
  { packageName: 'chromium-common', isThere: () => existsSync('/usr/lib/chromium/vk_swiftshader_icd.json') },
]

/**
 * Installs the servers that tests need and that are missing, on Debian or Ubuntu as root, and says so. Elsewhere their tests are
 * skipped, or with REQUIRE_SERVICES=1 nothing is run at all.
 */
export function setup(): void {
  const missing = findMissing()
  if (missing.length === 0) return
  const reason = whyNotInstalled() ?? install(missing)
  const still = findMissing()
  if (still.length === 0) return
  const message = `${toText(still)} not installed${reason === undefined ? '' : ` (${reason})`}`
  if (process.env['REQUIRE_SERVICES'] === '1' && still.some(isOffered)) throw new Error(`REQUIRE_SERVICES=1, and ${message}`)
  say(`tests with real servers are skipped: ${message}`)
}

function findMissing(): Needed[] {
  return needed.filter(({ isThere }) => !isThere())
}

function isCommand(name: string): boolean {
  return spawnSync(name, ['--version']).error === undefined
}

function whyNotInstalled(): string | undefined {
  if (process.getuid?.() !== 0) return 'they are installed for root only'
  return hasApt() ? undefined : 'they are installed with apt-get only'
}

function hasApt(): boolean {
  return isCommand('apt-get')
}

/** Whether the system has the package: Ubuntu has its chromium as a snap alone, so the tests on its driver are skipped there. */
function isOffered({ packageName }: Needed): boolean {
  return packageName !== 'chromium-common' || !hasApt() || spawnSync('apt-cache', ['show', packageName]).status === 0
}

/** Installs packages; returns why that failed, if it did. */
function install(missing: readonly Needed[]): string | undefined {
  say(`installing ${toText(missing)} with apt-get, for tests with real servers`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args: string[]) => spawnSync('apt-get', ['-qq', ...args], { env, stdio: 'ignore', timeout: 180_000 }).status === 0
  const installAll = () => missing.map(({ packageName }) => apt('install', '-y', '--no-install-recommends', packageName)).every(Boolean)
  return installAll() || (apt('update') && installAll()) ? undefined : 'apt-get failed'
}

function toText(servers: readonly Needed[]): string {
  return servers.map(({ packageName }) => packageName).join(' and ')
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
