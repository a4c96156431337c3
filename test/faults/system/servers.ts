import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { acceptsConnections } from '../../../platform/service/testing/accepts-connections.ts'
import { createProcess, type HarnessProcess } from './process.ts'
import { until } from './until.ts'

/** Why the set-up with servers cannot run here; undefined where it can. */
export function whyNoServers(): string | undefined {
  const missing = ['nats-server', 'redis-server'].find((binary) => spawnSync(binary, ['--version']).error !== undefined)
  return missing === undefined ? undefined : `${missing} is not on the PATH`
}

/** The version of the nats-server on the PATH; undefined where there is none. */
export function natsVersion(): string | undefined {
  return /v(\d\S*)/.exec(spawnSync('nats-server', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1]
}

/** JetStream with its files in `<dir>/nats`. */
export function createNatsServer(dir: string, port: number): HarnessProcess {
  return createServer({ name: 'nats-server', dir, port, args: ['-a', '127.0.0.1', '-p', `${port}`, '-js', '-sd', join(dir, 'nats')] })
}

/** Redis that keeps what it acknowledged through a kill: `appendfsync always`, files in `<dir>/redis`. */
export function createRedisServer(dir: string, port: number): HarnessProcess {
  const data = join(dir, 'redis')
  mkdirSync(data, { recursive: true })
  const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always']
  return createServer({ name: 'redis-server', dir, port, args: ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', data, ...durable] })
}

function createServer({ name, dir, port, args }: { name: string; dir: string; port: number; args: readonly string[] }): HarnessProcess {
  return createProcess({
    name,
    command: name,
    args: () => args,
    logFile: join(dir, 'logs', `${name}.log`),
    // nats-server 2.9 ends with 1 when it is told to end.
    drainedStatuses: [0, 1],
    ready: () => until(`${name} accepts connections`, 20_000, () => acceptsConnections(port)),
  })
}
