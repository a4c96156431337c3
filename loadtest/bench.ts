import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseCount } from '../platform/command/parse-options.ts'
import { freePort } from '../platform/service/testing/free-port.ts'
import { createRedisServer } from '../test/faults/system/servers.ts'
import { Command, Option } from 'commander'
import {
  type LatencyComparison,
  latencyComparisons,
  type LatencyResult,
  type LatencyRound,
  rateOf,
  summariseLatencies,
  toLatencyText,
} from './bench/latencies.ts'
import { type Measured, startMeasured } from './bench/measure.ts'
import { nameOf, type RatesResult, type Round, summariseRates, toRatesText } from './bench/result.ts'
import { type Setup, toSetups } from './bench/setups.ts'
import { type VariantName, variants } from './bench/variants.ts'
import { startService } from './logger/service-process.ts'

const allVariants = Object.keys(variants) as VariantName[]
const collect = (value: string, before: readonly string[] = []) => [...before, value]
const options = new Command('bench')
  .description('What the gateway does with everything on, against bare servers in the same minute. Needs Linux, wrk and redis-server.')
  .option('--rounds <n>', 'rounds that count, after one that warms up', parseCount, 5)
  .option('--seconds <n>', 'seconds of each measurement', parseCount, 6)
  .addOption(new Option('--only <names...>', 'servers to measure; all if left out').choices(allVariants))
  .option('--checkout <dir>', 'another checkout with its node_modules, measured beside this one; may be repeated', collect)
  .option('--node <path>', 'another Node.js, on which the servers run beside this one; may be repeated', collect)
  .option('--json <file>', 'file for all results')
  .option('--profile <dir>', 'CPU profiles, one folder per server; they cost some of the speed')
  .parse()
  .opts<{
    rounds: number
    seconds: number
    only?: VariantName[]
    checkout?: string[]
    node?: string[]
    json?: string
    profile?: string
  }>()

const dir = await mkdtemp(join(tmpdir(), 'hindsight-bench-'))
const stops: (() => Promise<void>)[] = [() => rm(dir, { recursive: true, force: true })]
try {
  const servers = await startAll(toSetups(options))
  const rates = await measureRates(servers)
  process.stdout.write(`${toRatesText(servers, rates)}\n`)
  const latencies = await measureLatencies(servers, rates)
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify({ ...toHeader(), ...rates, latencies }, null, 2)}\n`)
  const failed = Object.values(rates.servers).some((one) => one.failed > 0) || latencies.some((one) => one.failed.of + one.failed.to > 0)
  if (failed) process.exitCode = 1
} finally {
  for (const stop of stops.toReversed()) await stop()
}

function toHeader(): { node: string; cores: number; rounds: number; seconds: number } {
  return { node: process.version, cores: availableParallelism(), rounds: options.rounds, seconds: options.seconds }
}

/** Every variant in every setup, ready and warm. Those of a checkout have a Redis of their own: another may store features otherwise. */
async function startAll(setups: readonly Setup[]): Promise<Measured[]> {
  const ports = { HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0' }
  const warehouse = await startService('embedded-warehouse/main.ts', { HINDSIGHT_DATA_DIR: dir, ...ports })
  stops.push(() => warehouse.stop())
  const redisUrls = new Map<string, string>()
  const servers: Measured[] = []
  for (const setup of setups) {
    const { root } = setup.runtime
    const redisUrl = redisUrls.get(root) ?? (await startRedis(join(dir, `redis-${redisUrls.size}`)))
    redisUrls.set(root, redisUrl)
    for (const variant of options.only ?? allVariants) {
      const own = join(dir, `server-${servers.length}`)
      const server = await startMeasured(variant, setup, {
        dir: own,
        redisUrl,
        clickhouseUrl: warehouse.http,
        profileDir: options.profile,
      })
      stops.push(() => server.stop())
      servers.push(server)
    }
  }
  return servers
}

async function startRedis(home: string): Promise<string> {
  await mkdir(join(home, 'logs'), { recursive: true })
  const port = await freePort()
  const redis = createRedisServer(home, port)
  stops.push(() => redis.kill())
  await redis.start()
  return `redis://127.0.0.1:${port}`
}

async function measureRates(servers: readonly Measured[]): Promise<RatesResult> {
  const rounds: Round[] = []
  for (let round = 0; round <= options.rounds; round++) {
    const one: Round = {}
    // Every other round goes backwards, so that what changes steadily favours nobody.
    for (const server of round % 2 === 0 ? servers : servers.toReversed()) one[nameOf(server)] = await server.closedLoop(options)
    const texts = Object.entries(one).map(
      ([name, { requestsPerSecond, processorUs }]) => `${name} ${Math.round(requestsPerSecond)}/s ${Math.round(processorUs)} us`,
    )
    process.stderr.write(`${round === 0 ? 'warm-up' : `round ${round}`}: ${texts.join(', ')}\n`)
    if (round > 0) rounds.push(one)
  }
  const { node, cores, rounds: count, seconds } = toHeader()
  process.stdout.write(
    `Node ${node}, ${cores} cores; ${count} rounds of ${seconds} s, interleaved; median [least, most]; processor time per request\n`,
  )
  return summariseRates(servers, rounds)
}

/** Measures every latency that is compared among the servers that run, in each setup. */
async function measureLatencies(servers: readonly Measured[], rates: RatesResult): Promise<LatencyResult[]> {
  const results: LatencyResult[] = []
  for (const setup of new Set(servers.map((server) => server.setup))) {
    for (const comparison of Object.values<LatencyComparison>(latencyComparisons)) {
      const find = (variant: VariantName) => servers.find((server) => server.variant === variant && server.setup === setup)
      const [of, to] = [find(comparison.of), find(comparison.to)]
      if (of === undefined || to === undefined) continue
      const perSecond = rateOf(comparison, rates, setup)
      const measure = ({ closedLoop, openLoop }: Measured) =>
        perSecond === undefined ? closedLoop({ ...options, clients: 1 }) : openLoop({ ...options, perSecond })
      const rounds: LatencyRound[] = []
      for (let round = 0; round < options.rounds; round++) rounds.push({ of: await measure(of), to: await measure(to) })
      const result = summariseLatencies(comparison, { setup, perSecond, rounds })
      process.stdout.write(`${toLatencyText(result)}\n`)
      results.push(result)
    }
  }
  return results
}
