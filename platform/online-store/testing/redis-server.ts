import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { describe } from 'vitest'
import { acceptsConnections } from '../../service/testing/accepts-connections.ts'
import { freePort } from '../../service/testing/free-port.ts'

export type TestRedis = {
  url: string
  port: number
  dir: string
  /** A client for the test's own commands. */
  client: Redis
  signal(signal: NodeJS.Signals): void
  /** Ends it as a power cut would: what it had not written to its folder is gone. */
  kill(): Promise<void>
  /** Starts it again on the same port and folder. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const { runIf } = describe
const isRequired = process.env['REQUIRE_SERVICES'] === '1'
const isMissing = spawnSync('redis-server', ['--version']).error !== undefined
if (isMissing && !isRequired) process.stderr.write('tests on Redis are skipped: redis-server is not on the PATH\n')

/** Describes tests that are skipped without the binary, and fail instead with REQUIRE_SERVICES=1. */
export const describeWithRedis = runIf(!isMissing || isRequired)

/** A real Redis of the test's own on a free port, in a folder that goes with it. It keeps nothing unless `args` say so. */
export async function startTestRedis(options: { args?: readonly string[] } = {}): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-redis-'))
  const port = await freePort()
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '', ...(options.args ?? [])]
  let server = await startServer(port, args)
  const client = new Redis({ port, retryStrategy: () => 50, enableReadyCheck: true })
  client.on('error', () => undefined)
  async function kill(): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    dir,
    client,
    signal: (signal) => void server.kill(signal),
    kill,
    async restart() {
      await kill()
      server = await startServer(port, args)
    },
    async stop() {
      client.disconnect()
      await kill()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function startServer(port: number, args: readonly string[]): Promise<ChildProcess> {
  const server = spawn('redis-server', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const failed = once(server, 'error').then(([error]) => Promise.reject(error as Error))
  failed.catch(() => undefined)
  const giveUpAt = performance.now() + 10_000
  while (!(await Promise.race([acceptsConnections(port), failed]))) {
    if (server.exitCode !== null || performance.now() > giveUpAt) throw new Error(`redis-server did not start: exit ${server.exitCode}`)
    await sleep(10)
  }
  return server
}
