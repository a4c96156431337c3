import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../platform/service/testing/free-port.ts'
import { preparePython } from '../../test/testing/python-environment.ts'
import { until } from '../logger/until.ts'

export type PeerServer = { url: string; stop(): Promise<void> }
/** The peers that predict with the example model. */
export const peerNames = ['fastapi', 'bentoml', 'mlserver'] as const
export type PeerName = (typeof peerNames)[number]
/** `env` is what a peer is told beyond where model and Redis are. */
type Start = { dir: string; redisUrl: string; core: string; env?: Record<string, string> }

const folder = fileURLToPath(new URL('.', import.meta.url))
const model = fileURLToPath(new URL('../../models/flight-delay/2/model.onnx', import.meta.url))

type Ports = { http: number; grpc: number; metrics: number }
type Peer = {
  path: string
  ready: string
  command(ports: Ports): [program: string, ...args: string[]]
  env(ports: Ports): Record<string, string>
}

/** Each started as its own documentation says for production, with one worker for one core. */
const peers: Record<PeerName | 'feast', Peer> = {
  fastapi: {
    path: '/predict',
    ready: '/openapi.json',
    command: ({ http }) => ['uvicorn', 'app:app', '--port', `${http}`, '--workers', '1', '--no-access-log'],
    env: () => ({}),
  },
  bentoml: {
    path: '/predict',
    ready: '/readyz',
    command: ({ http }) => ['bentoml', 'serve', 'service:FlightDelay', '--host', '127.0.0.1', '--port', `${http}`],
    env: () => ({ BENTOML_DO_NOT_TRACK: 'True' }),
  },
  mlserver: {
    path: '/v2/models/flight-delay/infer',
    ready: '/v2/health/ready',
    command: () => ['mlserver', 'start', '.'],
    env: ({ http, grpc, metrics }) => ({
      MLSERVER_HOST: '127.0.0.1',
      MLSERVER_HTTP_PORT: `${http}`,
      MLSERVER_GRPC_PORT: `${grpc}`,
      MLSERVER_METRICS_PORT: `${metrics}`,
      // The model runs in the server's own process: a second one would share its core.
      MLSERVER_PARALLEL_WORKERS: '0',
      MLSERVER_DEBUG: 'false',
    }),
  },
  feast: {
    path: '/get-online-features',
    ready: '/health',
    command: ({ http }) => ['python', 'serve.py', `${http}`],
    env: () => ({ FEAST_USAGE: 'False' }),
  },
}

/** Starts a peer on one core, in an environment of its own that is made where it is not there; resolves when it is ready. */
export async function startPeer(name: PeerName | 'feast', { dir, redisUrl, core, env: given = {} }: Start): Promise<PeerServer> {
  const python = preparePython(join(folder, name), { install: true, saying: `installing ${name}` })
  if ('missing' in python) throw new Error(`${name}: ${python.missing}`)
  const { path, ready, command, env } = peers[name]
  const home = join(dir, name)
  await mkdir(home, { recursive: true })
  await cp(join(folder, name), home, { recursive: true, filter: (from) => !from.includes('.venv') })
  const ports = { http: await freePort(), grpc: await freePort(), metrics: await freePort() }
  const [program, ...args] = command(ports)
  const logFile = join(home, 'log')
  const log = openSync(logFile, 'a')
  const child = spawn('taskset', ['-c', core, python.bin(program), ...args], {
    cwd: home,
    env: { ...process.env, ...env(ports), ...given, MODEL_FILE: model, REDIS_URL: redisUrl, BENTOML_HOME: home, PYTHONPATH: home },
    stdio: ['ignore', log, log],
    detached: true,
  })
  const exited = once(child, 'exit')
  const stop = async () => {
    // The signal goes to the whole process group, so that a server's workers end with it.
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
    await exited
  }
  const url = `http://127.0.0.1:${ports.http}`
  try {
    await until(`${name} is ready`, { holds: () => answers(child, `${url}${ready}`), everyMs: 200, deadlineMs: 90_000 })
  } catch (error) {
    await stop()
    throw new Error(`${name} does not start: ${readFileSync(logFile, 'utf8').slice(-2000)}`, { cause: error })
  }
  return { url: `${url}${path}`, stop }
}

async function answers(child: ChildProcess, url: string): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`)
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}
