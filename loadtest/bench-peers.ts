import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { parseCount } from '../platform/command/parse-options.ts'
import { freePort } from '../platform/service/testing/free-port.ts'
import { createRedisServer } from '../test/faults/system/servers.ts'
import { emptyOutbox } from './bench/measure.ts'
import { variants } from './bench/variants.ts'
import { runWrk, type ClosedLoopResult } from './bench/wrk.ts'
import { predictBodies } from './logger/flights.ts'
import { ownRuntime, startService } from './logger/service-process.ts'
import { chooseCores, moveTo } from './peers/cores.ts'
import { fillPeerFeatures } from './peers/features.ts'
import { type PeerRound, type PeersResult, type Subject, subjects, summarisePeers, toPeersText } from './peers/result.ts'
import { checkSameAnswers, toV2Body } from './peers/same-answers.ts'
import { peerNames, startPeer } from './peers/servers.ts'
import { readVersions } from './peers/versions.ts'

const options = new Command('bench:peers')
  .description(
    'The example model under Hindsight with everything on, and under FastAPI, BentoML and MLServer without any log. Needs Linux, wrk, redis-server and python3.',
  )
  .option('--rounds <n>', 'rounds that count, after one that warms up', parseCount, 5)
  .option('--seconds <n>', 'seconds of each measurement', parseCount, 6)
  .option('--json <file>', 'file for all results')
  .parse()
  .opts<{ rounds: number; seconds: number; json?: string }>()

const clients = 32
/** Hindsight needs this long on one core, where V8 compiles beside what it compiles for. */
const warmUpSeconds = 15
const cores = chooseCores()
// This process gives the servers that are compared their core: it and all else that it starts take the others.
moveTo(cores.others, process.pid)

const dir = await mkdtemp(join(tmpdir(), 'hindsight-peers-'))
await mkdir(join(dir, 'logs'))
const redisPort = await freePort()
const redisUrl = `redis://127.0.0.1:${redisPort}`
const redis = createRedisServer(dir, redisPort)
const stops: (() => Promise<void>)[] = [() => redis.kill()]
try {
  await redis.start()
  await fillPeerFeatures(redisUrl)
  const urls = await startAll()
  await checkSameAnswers(urls)
  await report(await measureRounds(urls))
} finally {
  for (const stop of stops.toReversed()) await stop()
  await rm(dir, { recursive: true, force: true })
}

async function startAll(): Promise<Record<Subject, string>> {
  const ports = { HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0' }
  const warehouse = await startService('embedded-warehouse/main.ts', { HINDSIGHT_DATA_DIR: dir, ...ports })
  stops.push(() => warehouse.stop())
  await mkdir(join(dir, 'hindsight'))
  const gateway = await variants.durable.start({
    dir: join(dir, 'hindsight'),
    redisUrl,
    clickhouseUrl: warehouse.http,
    runtime: ownRuntime,
    nodeArgs: [],
  })
  stops.push(() => gateway.stop())
  moveTo(cores.server, gateway.pid)
  const urls: Partial<Record<Subject, string>> = {
    hindsight: `${gateway.http}/v1/models/flight-delay/predict`,
    'hindsight-v2': `${gateway.http}/v2/models/flight-delay/infer`,
  }
  for (const name of peerNames) {
    const peer = await startPeer(name, { dir, redisUrl, core: cores.server })
    stops.push(() => peer.stop())
    urls[name] = peer.url
  }
  return urls as Record<Subject, string>
}

async function measureRounds(urls: Record<Subject, string>): Promise<PeerRound[]> {
  const bodies = { v1: join(dir, 'v1.jsonl'), v2: join(dir, 'v2.jsonl') }
  await writeFile(bodies.v1, predictBodies().join('\n'))
  await writeFile(bodies.v2, toV2Body())
  const rounds: PeerRound[] = []
  for (let round = 0; round <= options.rounds; round++) {
    const one: Partial<Record<Subject, ClosedLoopResult>> = {}
    for (const name of subjects) {
      const bodiesFile = urls[name].includes('/v2/') ? bodies.v2 : bodies.v1
      const seconds = round === 0 ? warmUpSeconds : options.seconds
      one[name] = await runWrk({ url: urls[name], seconds, clients, bodiesFile })
      if (name.startsWith('hindsight')) await emptyOutbox(join(dir, 'hindsight', 'data', 'outbox'))
    }
    const rates = subjects.map((name) => `${name} ${Math.round(one[name]?.requestsPerSecond ?? 0)}`).join(', ')
    process.stderr.write(`${round === 0 ? 'warm-up' : `round ${round}`}: ${rates} requests/s\n`)
    if (round > 0) rounds.push(one as PeerRound)
  }
  return rounds
}

async function report(rounds: PeerRound[]): Promise<void> {
  const { rounds: count, seconds, json } = options
  const result: PeersResult = { versions: readVersions(), rounds: count, seconds, clients, ...summarisePeers(rounds) }
  process.stdout.write(`${toPeersText(result)}\n`)
  if (json !== undefined) await writeFile(json, `${JSON.stringify(result, null, 2)}\n`)
  // A rate beside failures says nothing about either server.
  if (subjects.some((name) => result.subjects[name].failed > 0)) process.exitCode = 1
}
