import { jetstreamManager } from '@nats-io/jetstream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { waitForEmptyLog } from '../bin/supervisor/event-log-lag.ts'
import type { PredictResponse } from '../contracts/http.ts'
import { describeWithNats, startTestNats, type TestNats } from '../platform/nats/testing/nats-server.ts'
import { spanIdOf } from '../platform/service/trace-context.ts'
import type { ServiceName } from '../platform/service/service.ts'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import type { Warehouse } from '../platform/warehouse/warehouse.ts'
import { flightRequest } from './testing/flight-requests.ts'
import { createDataDirectory } from './testing/hindsight-process.ts'
import { type OtlpCollector, startOtlpCollector } from './testing/otlp-collector.ts'
import { writePatientProject } from './testing/patient-project.ts'
import { type ServiceProcess, startService } from './testing/service-process.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const callersSpan = '00f067aa0ba902b7'

let directory: ReturnType<typeof createDataDirectory>
let collector: OtlpCollector
let running: ServiceProcess[]
let warehouse: Warehouse
let nats: TestNats | undefined
let gateway: ServiceProcess
let env: Record<string, string>

beforeEach(async () => {
  directory = createDataDirectory()
  collector = await startOtlpCollector()
  running = []
  env = {
    CLICKHOUSE_PASSWORD: 'traced',
    HINDSIGHT_DATA_DIR: directory.dir,
    HINDSIGHT_PROJECT_DIR: writePatientProject(directory.dir),
    HINDSIGHT_PORT: '0',
    HINDSIGHT_WAREHOUSE_PORT: '0',
    HINDSIGHT_WAREHOUSE_READ_ONLY_PORT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  }
})
afterEach(async () => {
  await warehouse?.close()
  for (const service of running) service.kill()
  await nats?.stop()
  nats = undefined
  await collector.close()
  directory.remove()
})

describe('with the embedded event log', () => {
  test('a request is traced to the insert of its event', async () => {
    await startAll(['logger'])
    await expectTrace(await predict(`00-${traceId}-${callersSpan}-01`))
  })
})

describeWithNats('with NATS', () => {
  test('a request is traced through the headers of its message to the insert', async () => {
    nats = await startTestNats()
    env['NATS_URL'] = nats.url
    await startAll(['logger', 'forwarder'])
    const { prediction_id: id, ...prediction } = await predict(`00-${traceId}-${callersSpan}-01`)
    await expectTrace({ ...prediction, prediction_id: id })
    const connection = await nats.connect()
    const { streams } = await jetstreamManager(connection)
    const message = await streams.getMessage('hindsight_predictions', { seq: 1 })
    expect(message?.header.get('traceparent')).toBe(`00-${traceId}-${spanIdOf(id)}-01`)
    await connection.close()
  })
})

async function startAll(consumers: readonly ServiceName[]): Promise<void> {
  env['CLICKHOUSE_URL'] = (await start('warehouse')).addresses['http'] ?? ''
  warehouse = createWarehouse({ url: env['CLICKHOUSE_URL'], password: env['CLICKHOUSE_PASSWORD'] })
  const others = (['features', ...consumers] as const).map(start)
  const [started] = await Promise.all([start('gateway'), ...others])
  gateway = started
}

async function start(service: ServiceName): Promise<ServiceProcess> {
  const started = await startService(service, env)
  running.push(started)
  return started
}

async function predict(traceparent: string): Promise<PredictResponse> {
  const response = await fetch(`${gateway.addresses['http']}/v1/models/flight-delay/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent },
    body: JSON.stringify(flightRequest(1, 'traced')),
  })
  expect(response.status).toBe(200)
  return (await response.json()) as PredictResponse
}

/** Expects the spans of one request: the caller's, the request's, its stages' and its event's, and that of the batch that stored the event. */
async function expectTrace({ prediction_id: id, request_id: requestId }: PredictResponse): Promise<void> {
  const spanOf = (name: string) => collector.spans.find((span) => span.name === name)
  await expect.poll(() => spanOf('store batch')).toBeDefined()
  await expect.poll(() => spanOf('outbox append')).toBeDefined()
  const request = spanOf('predict flight-delay')
  expect(request).toMatchObject({ service: 'hindsight-gateway', traceId, parentSpanId: callersSpan })
  for (const name of ['features', 'queue', 'inference', 'outbox append'])
    expect(spanOf(name), name).toMatchObject({ traceId, parentSpanId: request?.spanId })
  for (const span of collector.spans.filter(({ service }) => service === 'hindsight-gateway')) {
    expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)).toBe(true)
    expect(BigInt(span.startTimeUnixNano) >= BigInt(request!.startTimeUnixNano), span.name).toBe(true)
    expect(BigInt(span.endTimeUnixNano) <= BigInt(request!.endTimeUnixNano), span.name).toBe(true)
  }
  expect(spanOf('outbox append')?.spanId).toBe(spanIdOf(id))
  expect(spanOf('store batch')).toMatchObject({ service: 'hindsight-logger' })
  expect(spanOf('store batch')?.links).toEqual([expect.objectContaining({ traceId, spanId: spanIdOf(id) })])
  const { traceId: batchTraceId, spanId: batchSpanId } = spanOf('store batch')!
  expect(spanOf('store')).toMatchObject({ service: 'hindsight-logger', traceId, parentSpanId: spanIdOf(id) })
  expect(spanOf('store')?.links).toEqual([expect.objectContaining({ traceId: batchTraceId, spanId: batchSpanId })])

  expect(await waitForEmptyLog(directory.dir, 300_000)).toEqual({})
  const sql = 'SELECT DISTINCT trace_id FROM silver.predictions WHERE request_id = {id:String}'
  expect(await warehouse.query(sql, { id: requestId })).toEqual([{ trace_id: traceId }])
  // Spans that have not been sent yet are sent at the end.
  expect(await gateway.stop()).toBe(0)
  expect([...collector.metrics]).toContain('hindsight_predict_stage_duration_seconds')
}
