import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { describe } from 'vitest'
import { freePort } from '../../service/testing/free-port.ts'
import { natsConfigFields, type NatsSettings } from '../nats-config.ts'
import { z } from 'zod'
import { isFullRun } from '../../../test/testing/full-run.ts'

export type TestNats = {
  url: string
  port: number
  /** The store directory. */
  storeDir: string
  version: string
  /** A connection of the test's own. */
  connect(): Promise<NatsConnection>
  signal(signal: NodeJS.Signals): void
  kill(): Promise<void>
  /** Starts it again on the same port and store. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export type NatsBinary = { path: string; version: string }

const { runIf } = describe
const isRequired = process.env['REQUIRE_SERVICES'] === '1'

/** The nats-server on the PATH; in the full run every version that is on it, the first one first. */
export const natsBinaries: readonly NatsBinary[] = isFullRun ? findBinaries() : findBinaries().slice(0, 1)
if (natsBinaries.length === 0 && !isRequired) process.stderr.write('tests on NATS are skipped: nats-server is not on the PATH\n')

/** Describes tests that are skipped without the binary, and fail instead with REQUIRE_SERVICES=1. */
export const describeWithNats = runIf(natsBinaries.length > 0 || isRequired)

function findBinaries(): NatsBinary[] {
  const found = new Map<string, NatsBinary>()
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'nats-server')
    const version = /v(\d\S*)/.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1]
    if (version !== undefined && !found.has(version)) found.set(version, { path, version })
  }
  return [...found.values()]
}

/** A real nats-server with JetStream on a free port, in a folder that goes with it. `config` is more of its own configuration. */
export async function startTestNats(
  options: { binary?: NatsBinary | undefined; config?: string; storeDir?: string } = {},
): Promise<TestNats> {
  const binary = options.binary ?? natsBinaries[0]
  if (binary === undefined) throw new Error('nats-server is not on the PATH')
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-nats-'))
  const storeDir = options.storeDir ?? join(dir, 'store')
  const port = await freePort()
  const configFile = join(dir, 'nats.conf')
  await writeFile(
    configFile,
    `listen: "127.0.0.1:${port}"\njetstream { store_dir: ${JSON.stringify(storeDir)} }\n${options.config ?? ''}\n`,
  )
  let server = await startServer(binary.path, configFile)
  async function kill(): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    storeDir,
    version: binary.version,
    connect: () => connect({ servers: `127.0.0.1:${port}` }),
    signal: (signal) => void server.kill(signal),
    kill,
    async restart() {
      await kill()
      server = await startServer(binary.path, configFile)
    },
    async stop() {
      await kill()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Settings as the environment would give them, with these timings: short ones for tests. */
export function testNatsSettings(url: string, values: Partial<Record<keyof typeof natsConfigFields, string>> = {}): NatsSettings {
  const timings = { NATS_ACK_WAIT_MS: '1000', NATS_DUPLICATE_WINDOW_MS: '2000' }
  return { ...z.object(natsConfigFields).parse({ ...timings, ...values }), NATS_URL: url }
}

async function startServer(path: string, configFile: string): Promise<ChildProcess> {
  const server = spawn(path, ['-c', configFile], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  server.stderr?.on('data', (chunk: Buffer) => (log = `${log}${chunk.toString()}`.slice(-100_000)))
  const giveUpAt = performance.now() + 15_000
  while (!log.includes('Server is ready')) {
    if (server.exitCode !== null || performance.now() > giveUpAt) throw new Error(`nats-server did not start:\n${log}`)
    await sleep(10)
  }
  return server
}
