import { join } from 'node:path'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { closedLoop, type ClosedLoop } from './closed-loop.ts'
import { fillWindows, landingsFilling } from './flights.ts'
import { type Launch, startService, type ServiceProcess } from './service-process.ts'
import { openOutboxConsumer } from '../../platform/outbox/read/outbox-consumer.ts'

/** The gateway's rate. A request is several records where a model has shadow versions. */
export type GatewayRate = ClosedLoop & { recordsPerSecond: number }

export type MeasuredGateway = {
  measure(seconds: number): Promise<GatewayRate>
  /** The prediction events that this gateway wrote during the last measurement. */
  events: () => LogRecord[]
  stop(): Promise<void>
}

const clients = 32

/** A gateway with the example project and full windows, its outbox read by nobody but this. */
export async function startMeasuredGateway(dataDir: string, clickhouseUrl: string): Promise<MeasuredGateway> {
  const outbox = join(dataDir, 'outbox')
  const gateway = await startFilledGateway({ HINDSIGHT_DATA_DIR: dataDir, CLICKHOUSE_URL: clickhouseUrl })
  // This consumer stands in the logger's place: what nobody confirms fills the outbox, and then nothing more is answered.
  const consumer = await openOutboxConsumer({ dir: outbox, name: 'logger', lanes: ['predictions'] })
  let kept: LogRecord[] = []
  await closedLoop({ url: gateway.http, seconds: 2, clients, scratchDir: dataDir })
  return {
    events: () => kept,
    async measure(seconds) {
      await takeEvents()
      const [before, began] = [await durableSeq(gateway.admin), performance.now()]
      const rate = await closedLoop({ url: gateway.http, seconds, clients, scratchDir: dataDir })
      const written = (await durableSeq(gateway.admin)) - before
      const recordsPerSecond = written / ((performance.now() - began) / 1000)
      kept = await takeEvents()
      return { ...rate, recordsPerSecond }
    },
    async stop() {
      await consumer.close()
      await gateway.stop()
    },
  }

  async function takeEvents(): Promise<LogRecord[]> {
    const events: LogRecord[] = []
    for (;;) {
      const records = await consumer.fetch({ maxRecords: 10_000, maxBytes: 64 * 1024 ** 2, waitMs: 500 })
      if (records.length === 0) return events
      for (const record of records) if (record.kind === 'event') events.push(record)
      await consumer.confirm(records)
    }
  }
}

/** Starts a gateway after the features service has filled its windows; that service is stopped again. */
export async function startFilledGateway(
  env: Record<string, string>,
  launch: Launch = {},
  filling = landingsFilling,
): Promise<ServiceProcess> {
  const features = await startService('features/main.ts', env, { runtime: launch.runtime })
  const gateway = await startService('gateway/main.ts', { ...env, HINDSIGHT_PORT: '0' }, launch)
  await fillWindows(gateway.http, filling)
  await features.stop()
  return gateway
}

async function durableSeq(admin: string): Promise<number> {
  type Status = { status: { outbox: { lane: string; durable_seq: number }[] } }
  const { status } = (await (await fetch(`${admin}/status`)).json()) as Status
  return status.outbox.find(({ lane }) => lane === 'predictions')?.durable_seq ?? 0
}
