import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../platform/service/testing/free-port.ts'
import { preparePython } from '../../test/testing/python-environment.ts'
import { until } from '../logger/until.ts'

/** A server that predicts with the example model. */
export type PeerServer = { url: string; stop(): Promise<void> }
export type PeerName = 'fastapi' | 'bentoml' | 'mlserver'
type Start = { dir: string; redisUrl: string; core: string }

const folder = fileURLToPath(new URL('.', import.meta.url))
const model = fileURLToPath(new URL('../../models/flight-delay/2/model.onnx', import.meta.url))

type Peer = {
  path: string
  ready: string
  command(port: number, sidePort: number): [program: string, ...args: string[]]
  env(port: number, sidePort: number): Record<string, string>
}

/** Each started as its own documentation says for production, with one worker for one core. */
const peers: Record<PeerName, Peer> = {
  fastapi: {
    path: '/predict',
    ready: '/openapi.json',
    command: (port) => [
      'uvicorn',
      'app:app',
      '--host',
      '127.0.0.1',
      '--port',
      `${port}`,
      '--workers',
      '1',
      '--log-level',
      'warning',
      '--no-access-log',
    ],
    env: () => ({}),
  },
  bentoml: {
    path: '/predict',
    ready: '/readyz',
    command: (port) => ['bentoml', 'serve', 'service:FlightDelay', '--host', '127.0.0.1', '--port', `${port}`],
    env: () => ({ BENTOML_DO_NOT_TRACK: 'True' }),
  },
  mlserver: {
    path: '/v2/models/flight-delay/infer',
    ready: '/v2/health/ready',
    command: () => ['mlserver', 'start', '.'],
    env: (port, sidePort) => ({
      MLSERVER_HOST: '127.0.0.1',
      MLSERVER_HTTP_PORT: `${port}`,
      MLSERVER_GRPC_PORT: `${sidePort}`,
      MLSERVER_METRICS_PORT: `${sidePort + 1}`,
      // The model runs in the server's own process: a second one would share its core.
      MLSERVER_PARALLEL_WORKERS: '0',
      MLSERVER_DEBUG: 'false',
    }),
  },
}

/** Starts a peer on one core, in an environment of its own that is made where it is not there; resolves when it is ready. */
export async function startPeer(name: PeerName, { dir, redisUrl, core }: Start): Promise<PeerServer> {
  const python = preparePython(join(folder, name), { install: true, saying: `installing ${name}` })
  if ('missing' in python) throw new Error(`${name}: ${python.missing}`)
  const { path, ready, command, env } = peers[name]
  const home = join(dir, name)
  await mkdir(home, { recursive: true })
  await cp(join(folder, name), home, { recursive: true, filter: (from) => !from.includes('.venv') })
  const [port, sidePort] = [await freePort(), await freePort()]
  const [program, ...args] = command(port, sidePort)
  const log = openSync(join(home, 'log'), 'a')
  const child = spawn('taskset', ['-c', core, python.bin(program), ...args], {
    cwd: home,
    env: { ...process.env, ...env(port, sidePort), MODEL_FILE: model, REDIS_URL: redisUrl, BENTOML_HOME: home, PYTHONPATH: home },
    stdio: ['ignore', log, log],
    detached: true,
  })
  const url = `http://127.0.0.1:${port}`
  const holds = () =>
    fetch(`${url}${ready}`).then(
      ({ ok }) => ok,
      () => false,
    )
  await until(`${name} is ready, see ${home}/log`, { holds, everyMs: 200, deadlineMs: 90_000 })
  return {
    url: `${url}${path}`,
    async stop() {
      // With its workers.
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}
