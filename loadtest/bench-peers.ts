import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { Redis } from 'ioredis'
import { freePort } from '../platform/service/testing/free-port.ts'
import { createRedisServer } from '../test/faults/system/servers.ts'
import { emptyOutbox } from './bench/measure.ts'
import { variants } from './bench/variants.ts'
import { runWrk, type ClosedLoopResult } from './bench/wrk.ts'
import { airports, predictBody } from './logger/flights.ts'
import { startService } from './logger/service-process.ts'
import { type PeerName, startPeer } from './peers/servers.ts'
import { summarisePeers, toPeersText, type PeerRound, type Subject } from './peers/result.ts'

const options = new Command('bench:peers')
  .description(
    'The example model under Hindsight with everything on, and under FastAPI, BentoML and MLServer without any log. Needs wrk, redis-server, taskset and python3.',
  )
  .option('--rounds <n>', 'rounds that count, after one that warms up', Number, 5)
  .option('--seconds <n>', 'of each measurement', Number, 6)
  .option('--json <file>', 'where to write all of it')
  .parse()
  .opts<{ rounds: number; seconds: number; json?: string }>()

const clients = 32
/** The core that servers have to themselves; whoever asks them, and Redis, have the others. */
const core = '0'
const v2Body = JSON.stringify({
  inputs: [{ name: 'features', shape: [1, 9], datatype: 'FP32', data: [700, 12, 1, 20, 14.5, 18, 9.25, 15, 11.75] }],
})
const peerNames: readonly PeerName[] = ['fastapi', 'bentoml', 'mlserver']

const dir = await mkdtemp(join(tmpdir(), 'hindsight-peers-'))
await mkdir(join(dir, 'logs'))
const redisPort = await freePort()
const redisUrl = `redis://127.0.0.1:${redisPort}`
const redis = createRedisServer(dir, redisPort)
const stops: (() => Promise<void>)[] = [() => redis.kill()]
try {
  await redis.start()
  await fillFeatures()
  const subjects = await startAll()
  const rounds = await measureRounds(subjects)
  const result = { node: process.version, rounds: options.rounds, seconds: options.seconds, ...summarisePeers(rounds) }
  process.stdout.write(`${toPeersText(result)}\n`)
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`)
} finally {
  for (const stop of stops.toReversed()) await stop()
  await rm(dir, { recursive: true, force: true })
}

/** What a job of the peers' users would have put there: the windows' values, ready to be read. */
async function fillFeatures(): Promise<void> {
  const client = new Redis(redisPort, '127.0.0.1')
  for (const [index, airport] of airports.entries()) {
    for (const view of ['arrivals', 'departures'])
      await client.hset(`${view}:${airport}`, { count_3h: 10 + index, mean_delay_3h: 4.5 + index })
  }
  client.disconnect()
}

async function startAll(): Promise<Record<Subject, string>> {
  const ports = { HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0' }
  const warehouse = await startService('platform/warehouse/main.ts', { HINDSIGHT_DATA_DIR: dir, ...ports })
  stops.push(() => warehouse.stop())
  await mkdir(join(dir, 'hindsight'))
  const gateway = await variants.durable.start({ dir: join(dir, 'hindsight'), redisUrl, clickhouseUrl: warehouse.http, nodeArgs: [] })
  stops.push(() => gateway.stop())
  // All of its threads: also those that write and that compute.
  spawnSync('taskset', ['-a', '-c', '-p', core, `${gateway.pid}`])
  const urls: Partial<Record<Subject, string>> = {
    hindsight: `${gateway.http}/v1/models/flight-delay/predict`,
    'hindsight-v2': `${gateway.http}/v2/models/flight-delay/infer`,
  }
  for (const name of peerNames) {
    const peer = await startPeer(name, { dir, redisUrl, core })
    stops.push(() => peer.stop())
    urls[name] = peer.url
  }
  return urls as Record<Subject, string>
}

async function measureRounds(urls: Record<Subject, string>): Promise<PeerRound[]> {
  const bodies = { v1: join(dir, 'v1.jsonl'), v2: join(dir, 'v2.jsonl') }
  await writeFile(bodies.v1, Array.from({ length: 500 }, (_, index) => predictBody(index)).join('\n'))
  await writeFile(bodies.v2, v2Body)
  const rounds: PeerRound[] = []
  for (let round = 0; round <= options.rounds; round++) {
    const one: Partial<Record<Subject, ClosedLoopResult>> = {}
    for (const [name, url] of Object.entries(urls) as [Subject, string][]) {
      const bodiesFile = url.includes('/v2/') ? bodies.v2 : bodies.v1
      one[name] = await runWrk({ url, seconds: options.seconds, clients, bodiesFile })
      if (name.startsWith('hindsight')) await emptyOutbox(join(dir, 'hindsight', 'data', 'outbox'))
    }
    const rates = Object.entries(one).map(
      ([name, { requestsPerSecond, failed }]) => `${name} ${Math.round(requestsPerSecond)}${failed > 0 ? ` (${failed} failed)` : ''}`,
    )
    process.stderr.write(`${round === 0 ? 'warm-up' : `round ${round}`}: ${rates.join(', ')} requests/s\n`)
    if (round > 0) rounds.push(one as PeerRound)
  }
  return rounds
}
