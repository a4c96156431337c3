import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { parseCount } from '../platform/command/parse-options.ts'
import { freePort } from '../platform/service/testing/free-port.ts'
import { createRedisServer } from '../test/faults/system/servers.ts'
import { emptyOutbox } from './bench/measure.ts'
import { createClient } from './generator/client.ts'
import { runClosedLoop } from './generator/closed-loop.ts'
import { startOpenLoop } from './generator/open-loop.ts'
import { toPart } from './generator/tally.ts'
import { startFilledGateway } from './logger/gateway-rate.ts'
import { startService } from './logger/service-process.ts'
import { chooseCores, moveTo } from './peers/cores.ts'
import { startPeer } from './peers/servers.ts'
import {
  compareWithFeast,
  feastShapes,
  hindsightShapes,
  nameShape,
  type Shape,
  type ShapeRound,
  summariseShape,
  toBodies,
  toRate,
  toShapeText,
} from './peers/shapes.ts'
import { salesBodies, shops, writeShapesProject } from './peers/shapes-project.ts'

const options = new Command('bench:features')
  .description(
    'Predictions on 6 and 50 online features of an entity, one and 100 rows a request, and the features alone from Feast where Python is. Needs Linux and redis-server.',
  )
  .option('--rounds <n>', 'rounds, after a closed loop that warms up', parseCount, 5)
  .option('--seconds <n>', 'seconds of each measurement', parseCount, 6)
  .option('--rate <n>', 'requests per second, or 0.7 of what a closed loop gets where that is less', parseCount, 100)
  .option('--json <file>', 'file for all results')
  .parse()
  .opts<{ rounds: number; seconds: number; rate: number; json?: string }>()

const feastFeatures = Array.from({ length: 50 }, (_, index) => `sales:f${index}`)
const [warmUpClients, warmUpSeconds] = [8, 8]
const cores = chooseCores()
// The servers have a core of their own; whoever asks them, and Redis, have the others.
moveTo(cores.others, process.pid)

const dir = await mkdtemp(join(tmpdir(), 'hindsight-features-'))
await mkdir(join(dir, 'logs'))
const redisPort = await freePort()
const redisUrl = `redis://127.0.0.1:${redisPort}`
const redis = createRedisServer(dir, redisPort)
const outbox = join(dir, 'data', 'outbox')
const stops: (() => Promise<void>)[] = [() => rm(dir, { recursive: true, force: true }), () => redis.kill()]
try {
  await redis.start()
  const gateway = await startGateway()
  const feast = await startFeast()
  const shapes = [...hindsightShapes, ...(feast === undefined ? [] : feastShapes)]
  const urlOf = ({ server, features }: Shape) => (server === 'feast' ? `${feast}` : `${gateway}/v1/models/sales-${features}/predict`)
  await report(shapes, await measureRounds(shapes, urlOf))
} finally {
  for (const stop of stops.toReversed()) await stop()
}

async function startGateway(): Promise<string> {
  const ports = { HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0' }
  const warehouse = await startService('embedded-warehouse/main.ts', { HINDSIGHT_DATA_DIR: dir, ...ports })
  stops.push(() => warehouse.stop())
  const project = join(dir, 'project')
  writeShapesProject(project)
  const env = { HINDSIGHT_DATA_DIR: join(dir, 'data'), HINDSIGHT_PROJECT_DIR: project, REDIS_URL: redisUrl, CLICKHOUSE_URL: warehouse.http }
  const gateway = await startFilledGateway(env, {}, { source: 'sale', bodies: salesBodies() })
  stops.push(() => gateway.stop())
  moveTo(cores.server, gateway.pid)
  return gateway.http
}

/** Starts Feast; undefined, with the reason on standard error, where it cannot be installed: the gateway is measured all the same. */
async function startFeast(): Promise<string | undefined> {
  try {
    const env = { FEATURES: `${feastFeatures.length}`, SHOPS: `${shops}` }
    const peer = await startPeer('feast', { dir, redisUrl, core: cores.server, env })
    stops.push(() => peer.stop())
    return peer.url
  } catch (error) {
    process.stderr.write(`without Feast: ${(error as Error).message}\n`)
    return undefined
  }
}

/** Measures rounds at a rate that each server keeps up with, which a closed loop finds while it warms up. */
async function measureRounds(shapes: readonly Shape[], urlOf: (shape: Shape) => string): Promise<Record<string, ShapeRound>[]> {
  const rates = new Map<Shape, number>()
  for (const shape of shapes) {
    const client = createClient({ url: urlOf(shape), bodies: toBodies(shape, feastFeatures) })
    const { tally, seconds } = await runClosedLoop(client, { clients: warmUpClients, seconds: warmUpSeconds })
    client.close()
    rates.set(shape, toRate(tally.answeredMs.length / seconds, options.rate))
    await emptyOutbox(outbox)
  }
  const rounds: Record<string, ShapeRound>[] = []
  for (let round = 1; round <= options.rounds; round++) {
    const one: Record<string, ShapeRound> = {}
    for (const shape of round % 2 === 0 ? shapes : shapes.toReversed())
      one[nameShape(shape)] = await measure(shape, urlOf(shape), rates.get(shape) ?? options.rate)
    const p99s = Object.entries(one).map(([name, { p99Ms }]) => `${name} ${p99Ms.toFixed(1)}`)
    process.stderr.write(`round ${round}: p99 ${p99s.join('; ')} ms\n`)
    rounds.push(one)
  }
  return rounds
}

async function measure(shape: Shape, url: string, perSecond: number): Promise<ShapeRound> {
  const client = createClient({ url, bodies: toBodies(shape, feastFeatures) })
  const load = startOpenLoop(client, perSecond)
  await sleep(options.seconds * 1000)
  load.stop()
  const part = toPart(await load.part())
  client.close()
  if (shape.server === 'hindsight') await emptyOutbox(outbox)
  return { ...part, perSecond }
}

async function report(shapes: readonly Shape[], rounds: Record<string, ShapeRound>[]): Promise<void> {
  const { rounds: count, seconds, rate, json } = options
  const summaries = shapes.map((shape) => ({ shape, ...summariseShape(rounds.map((round) => round[nameShape(shape)] as ShapeRound)) }))
  const compared = shapes.length > hindsightShapes.length ? compareWithFeast(rounds) : []
  const header = `open loop, ${count} rounds of ${seconds} s, interleaved; median [least, most]`
  const lines = [header, ...summaries.map(({ shape, ...summary }) => toShapeText(shape, summary)), ...compared.map(({ text }) => text)]
  process.stdout.write(`${lines.join('\n')}\n`)
  if (json !== undefined) await writeFile(json, `${JSON.stringify({ rate, rounds: count, seconds, summaries, compared }, null, 2)}\n`)
  if (summaries.some(({ shape, failed }) => shape.server === 'hindsight' && failed > 0)) process.exitCode = 1
}
