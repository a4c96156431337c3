import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Plain JavaScript without dependencies: this runs before anything is installed.

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const lowestNode = [20, 19]

/** Ends the process with one line when this Node.js is too old to run Hindsight. */
export function requireNodeVersion(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > lowestNode[0] || (major === lowestNode[0] && minor >= lowestNode[1])) return
  process.stderr.write(`error: Hindsight needs Node.js ${lowestNode.join('.')} or newer, this is ${version}\n`)
  process.exit(1)
}

/**
 * Runs `npm ci` when a package of package-lock.json is missing from node_modules or there in another version.
 * Packages only needed for development count with `dev`. Optional ones may be left out.
 */
export function ensureInstalled({ dev }) {
  const reason = outOfDate(root, { dev })
  if (reason === undefined) return
  process.stderr.write(`${reason}: installing with npm ci (once; the embedded warehouse is large)\n`)
  const result = runNpm(dev ? ['ci', '--include=dev'] : ['ci'])
  if (result.status === 0) return
  const why = result.error?.message ?? (result.signal === null ? `exit status ${result.status}` : result.signal)
  process.stderr.write(`error: npm ci failed: ${why}\n`)
  process.exit(1)
}

/** Why node_modules does not match package-lock.json; undefined when it does. */
export function outOfDate(dir, { dev }) {
  const wanted = readPackages(join(dir, 'package-lock.json'))
  // npm writes this file last, so an interrupted installation does not have it.
  const installed = readPackages(join(dir, 'node_modules', '.package-lock.json'))
  if (wanted === undefined) return undefined
  if (installed === undefined) return 'dependencies are not installed'
  const differs = Object.entries(wanted).find(([path, entry]) => {
    if (path === '') return false
    const found = installed[path]
    if (found !== undefined) return found.version !== entry.version
    return !(entry.optional || entry.devOptional || (entry.dev && !dev))
  })
  return differs && `${differs[0].replace(/^.*node_modules\//, '')} is missing or out of date`
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

// The npm that runs this, when it is npm; else the one on PATH.
function runNpm(args) {
  const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }
  const running = process.env.npm_execpath
  if (running?.endsWith('npm-cli.js')) return spawnSync(process.execPath, [running, ...args], options)
  return process.platform === 'win32' ? spawnSync('npm.cmd', args, { ...options, shell: true }) : spawnSync('npm', args, options)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  requireNodeVersion()
  ensureInstalled({ dev: true })
}
