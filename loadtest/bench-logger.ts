import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { v7 as uuid7 } from 'uuid'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import { clientAlone } from './logger/client-alone-clickhouse.ts'
import { drainOutbox } from './logger/drain.ts'
import { freshEvents } from './logger/fresh-events.ts'
import { type MeasuredGateway, startMeasuredGateway } from './logger/gateway-rate.ts'
import { measureOutage } from './logger/outage.ts'
import { type Result, toOutageText, toResultText } from './logger/result.ts'
import { type ServiceProcess, startService, warehousePassword } from './logger/service-process.ts'
import { spreadOf } from './logger/statistics.ts'
import { until } from './logger/until.ts'

/** How many records a batch has: the logger's default. */
const batchRows = 10_000

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    records: { type: 'string', default: '40000' },
    seconds: { type: 'string', default: '8' },
    outage: { type: 'string' },
    json: { type: 'string' },
    profile: { type: 'string' },
  },
})
const [rounds, records, seconds] = [Number(values.rounds), Number(values.records), Number(values.seconds)]
const dir = await mkdtemp(join(tmpdir(), 'hindsight-bench-'))
try {
  const result = await measureRounds()
  process.stdout.write(`${toResultText(result)}\n`)
  if (values.outage !== undefined) {
    const requestsPerSecond = Math.round(result.gateway.requestsPerSecond.median / 2)
    result.outage = await measureOutage({ dataDir: join(dir, 'outage'), outageSeconds: Number(values.outage), requestsPerSecond })
    process.stdout.write(`${toOutageText(result.outage)}\n`)
  }
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`)
} finally {
  await rm(dir, { recursive: true, force: true })
}

/** Measures gateway, client alone and logger in turn, so that what else the machine does meets all three. */
async function measureRounds(): Promise<Result> {
  const dataDir = join(dir, 'logger')
  const env = { HINDSIGHT_DATA_DIR: dataDir, HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0' }
  const warehouse = await startService('embedded-warehouse/main.ts', env)
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`]
  const logger = await startService('logger/main.ts', { ...env, CLICKHOUSE_URL: warehouse.http }, { nodeArgs: profile })
  const gateway = await startMeasuredGateway(join(dir, 'gateway'), warehouse.http)
  try {
    const measured = []
    // The first round warms up all that takes part.
    for (let round = 0; round <= rounds; round++) {
      const one = await measureRound(gateway, { warehouse, logger, dataDir, round })
      process.stderr.write(`${round === 0 ? 'warm-up' : `round ${round}`}: ${toRoundText(one)}\n`)
      if (round > 0) measured.push(one)
    }
    return toResult(measured)
  } finally {
    await gateway.stop()
    await logger.stop()
    await warehouse.stop()
  }
}

type Round = { gateway: Awaited<ReturnType<MeasuredGateway['measure']>>; client: number; logger: number }
type System = { warehouse: ServiceProcess; logger: ServiceProcess; dataDir: string; round: number }

async function measureRound(gateway: MeasuredGateway, { warehouse, logger, dataDir, round }: System): Promise<Round> {
  await quiet(warehouse.http)
  const rate = await gateway.measure(seconds)
  const fresh = () => freshEvents(gateway.events(), { count: records, newId: uuid7 })
  const client = await clientAlone({ url: warehouse.http, events: fresh(), batchRows, writerId: `alone-${round}` })
  await quiet(warehouse.http)
  const drained = await drainOutbox({ dataDir, admin: logger.admin, events: fresh(), writerId: `drained-${round}` })
  return { gateway: rate, client, logger: drained }
}

/** Waits until the engine merges no more, so that no measurement pays for the one before it. */
async function quiet(url: string): Promise<void> {
  const warehouse = createWarehouse({ url, password: warehousePassword })
  const merges = async () => (await warehouse.query<{ n: string }>('SELECT count() AS n FROM system.merges'))[0]?.n === '0'
  await until('no merges', { holds: merges, everyMs: 200, deadlineMs: 60_000 }).finally(() => warehouse.close())
}

function toRoundText({ gateway, client, logger }: Round): string {
  const shown = [gateway.requestsPerSecond, gateway.recordsPerSecond, client, logger].map(Math.round)
  return `gateway ${shown[0]} requests/s, ${shown[1]} records/s; client alone ${shown[2]} records/s; logger ${shown[3]} records/s`
}

function toResult(measured: readonly Round[]): Result {
  const spread = (pick: (round: Round) => number) => spreadOf(measured.map(pick))
  return {
    rounds,
    records,
    batchRows,
    generator: measured[0]?.gateway.generator ?? 'node',
    gateway: {
      requestsPerSecond: spread(({ gateway }) => gateway.requestsPerSecond),
      recordsPerSecond: spread(({ gateway }) => gateway.recordsPerSecond),
      failed: measured.reduce((sum, { gateway }) => sum + gateway.failed, 0),
    },
    clientAlone: spread(({ client }) => client),
    logger: spread(({ logger }) => logger),
    loggerToClient: spread(({ logger, client }) => logger / client),
    loggerToGateway: spread(({ logger, gateway }) => logger / gateway.recordsPerSecond),
  }
}
