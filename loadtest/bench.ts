import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseCount } from '../platform/command/parse-options.ts'
import { freePort } from '../platform/service/testing/free-port.ts'
import { createRedisServer } from '../test/faults/system/servers.ts'
import { Command, Option } from 'commander'
import { type Measured, startMeasured } from './bench/measure.ts'
import { startService } from './logger/service-process.ts'
import { type BenchResult, type OpenLoopRound, type Round, summarise, summariseOpenLoop, toText } from './bench/result.ts'
import { type VariantName, variants } from './bench/variants.ts'

const options = new Command('bench')
  .description('What the gateway does with everything on, against bare servers in the same minute. Needs wrk and redis-server.')
  .option('--rounds <n>', 'rounds that count, after one that warms up', parseCount, 5)
  .option('--seconds <n>', 'seconds of each measurement', parseCount, 6)
  .addOption(new Option('--only <names...>', 'servers to measure, without ratios; all if left out').choices(Object.keys(variants)))
  .addOption(new Option('--json <file>', 'file for all results').conflicts('only'))
  .option('--profile <dir>', 'CPU profiles, one folder per server; they cost some of the speed')
  .parse()
  .opts<{ rounds: number; seconds: number; only?: VariantName[]; json?: string; profile?: string }>()

const dir = await mkdtemp(join(tmpdir(), 'hindsight-bench-'))
await mkdir(join(dir, 'logs'))
const redisPort = await freePort()
const redis = createRedisServer(dir, redisPort)
const ports = { HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0' }
const warehouse = await startService('embedded-warehouse/main.ts', { HINDSIGHT_DATA_DIR: dir, ...ports })
const servers: Measured[] = []
try {
  await redis.start()
  for (const name of options.only ?? (Object.keys(variants) as VariantName[])) {
    const profile = options.profile === undefined ? {} : { profileDir: options.profile }
    servers.push(await startMeasured(name, { dir, redisUrl: `redis://127.0.0.1:${redisPort}`, clickhouseUrl: warehouse.http, ...profile }))
  }
  const rounds = await measureRounds()
  if (options.only === undefined) await report(rounds)
} finally {
  await Promise.all(servers.map((server) => server.stop()))
  await warehouse.stop()
  await redis.kill()
  await rm(dir, { recursive: true, force: true })
}

async function measureRounds(): Promise<Round[]> {
  const rounds: Round[] = []
  for (let round = 0; round <= options.rounds; round++) {
    const one: Partial<Round> = {}
    for (const server of servers) one[server.name] = await server.closedLoop(options.seconds)
    const rates = servers.map(({ name }) => `${name} ${Math.round(one[name]?.requestsPerSecond ?? 0)}`).join(', ')
    process.stderr.write(`${round === 0 ? 'warm-up' : `round ${round}`}: ${rates} requests/s\n`)
    if (round > 0) rounds.push(one as Round)
  }
  return rounds
}

async function report(rounds: Round[]): Promise<void> {
  const result: BenchResult = {
    node: process.version,
    cores: availableParallelism(),
    rounds: options.rounds,
    seconds: options.seconds,
    ...summarise(rounds),
  }
  result.openLoop = await measureOpenLoop(Math.round(result.variants.durable.requestsPerSecond.median / 2))
  process.stdout.write(`${toText(result)}\n`)
  const failed = [...Object.values(result.variants), result.openLoop].some((one) => one.failed > 0)
  if (failed) process.exitCode = 1
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`)
}

/** Measures both at the same rate, one after the other, round by round. */
async function measureOpenLoop(perSecond: number): Promise<NonNullable<BenchResult['openLoop']>> {
  const rounds: OpenLoopRound[] = []
  const compared = { durable: find('durable'), committedEcho: find('committed-echo'), shadowed: find('shadowed') }
  for (let round = 0; round < options.rounds; round++) {
    const one: Partial<OpenLoopRound> = {}
    for (const [name, server] of Object.entries(compared))
      one[name as keyof OpenLoopRound] = await server.openLoop({ ...options, perSecond })
    const p99s = Object.entries(one).map(([name, { p99Ms }]) => `${name} ${p99Ms.toFixed(1)}`)
    process.stderr.write(`open loop ${round + 1}: p99 ${p99s.join(', ')} ms\n`)
    rounds.push(one as OpenLoopRound)
  }
  return summariseOpenLoop(perSecond, rounds)
}

function find(name: VariantName): Measured {
  const server = servers.find((one) => one.name === name)
  if (server === undefined) throw new Error(`${name} is not running`)
  return server
}
