import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type PeerName, peerNames } from './servers.ts'

/** What was compared with what, for whoever reads the figures later. */
export type Versions = { cpu: string; node: string; python: string; redis: string; wrk: string; peers: Record<PeerName, string> }

export function readVersions(): Versions {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    python: firstLine('python3', ['--version']),
    redis: firstLine('redis-server', ['--version']),
    wrk: firstLine('wrk', ['--version']),
    peers: Object.fromEntries(peerNames.map((name) => [name, readRequirements(name)])) as Record<PeerName, string>,
  }
}

function firstLine(program: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  return /^.+$/m.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown'
}

function readRequirements(name: PeerName): string {
  const file = fileURLToPath(new URL(`./${name}/requirements.txt`, import.meta.url))
  return readFileSync(file, 'utf8').trim().split('\n').join(' ')
}
