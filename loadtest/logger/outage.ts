import { setTimeout as sleep } from 'node:timers/promises'
import { loggerStatus } from './drain.ts'
import { createClient } from '../generator/client.ts'
import { startOpenLoop } from '../generator/open-loop.ts'
import { type LoadPart, toPart } from '../generator/tally.ts'
import { predictBodies, predictPath } from './flights.ts'
import { startFilledGateway } from './gateway-rate.ts'
import { startService } from './service-process.ts'
import { until } from './until.ts'

export type Outage = {
  requestsPerSecond: number
  outageSeconds: number
  /** The time from the warehouse's readiness until the logger was no more than two seconds of load behind. */
  catchUpSeconds: number
  behindRecords: number
  before: LoadPart
  during: LoadPart
  catchingUp: LoadPart
}

const warmUpSeconds = 10

/** A steady load on a whole system; the warehouse is killed, stays away, and comes back while the load goes on. */
export async function measureOutage(options: { dataDir: string; outageSeconds: number; requestsPerSecond: number }): Promise<Outage> {
  const { dataDir, outageSeconds, requestsPerSecond } = options
  const env = { HINDSIGHT_DATA_DIR: dataDir, HINDSIGHT_WAREHOUSE_PORT: '0', HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0' }
  let warehouse = await startService('embedded-warehouse/main.ts', env)
  const url = warehouse.http
  const logger = await startService('logger/main.ts', { ...env, CLICKHOUSE_URL: url })
  const gateway = await startFilledGateway({ HINDSIGHT_DATA_DIR: dataDir, CLICKHOUSE_URL: url })
  const client = createClient({ url: `${gateway.http}${predictPath}`, bodies: predictBodies() })
  const load = startOpenLoop(client, requestsPerSecond)
  const nextPart = async () => toPart(await load.part())
  try {
    await sleep(warmUpSeconds * 1000)
    const before = await nextPart()
    await warehouse.stop('SIGKILL')
    await sleep(outageSeconds * 1000)
    const during = await nextPart()
    let behindRecords = Infinity
    const isKnown = async () => (behindRecords = await lagOf(logger.admin)) < Infinity
    await until('the logger has said how far it is behind', { holds: isKnown, everyMs: 100, deadlineMs: 60_000 })
    warehouse = await startService('embedded-warehouse/main.ts', { ...env, HINDSIGHT_WAREHOUSE_PORT: new URL(url).port })
    const began = performance.now()
    const atMost = (behindRecords / outageSeconds) * 2
    const holds = async () => (await lagOf(logger.admin)) <= atMost
    await until('the logger has caught up', { holds, everyMs: 100, deadlineMs: 3 * (outageSeconds + 60) * 1000 })
    const catchUpSeconds = (performance.now() - began) / 1000
    return { requestsPerSecond, outageSeconds, catchUpSeconds, behindRecords, before, during, catchingUp: await nextPart() }
  } finally {
    load.stop()
    client.close()
    await gateway.stop()
    await logger.stop()
    await warehouse.stop()
  }
}

/** Infinite while the logger is too busy to say: the listener then answers without it. */
async function lagOf(admin: string): Promise<number> {
  const { status } = await loggerStatus(admin)
  return status.lag?.reduce((sum, { records }) => sum + records, 0) ?? Infinity
}
