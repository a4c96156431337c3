import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as breathe } from 'node:timers/promises'
import type { Tracing } from '../../../platform/service/tracing.ts'
import { parseTraceparent, type TraceParent } from '../../../platform/service/trace-context.ts'
import { startTelemetry } from '../../../platform/service/telemetry-opentelemetry.ts'
import type { Predictor } from '../predictor.ts'
import type { ServingModel } from '../serving-model.ts'
import { tracePredictor } from '../trace-predictor.ts'
import { type PredictInput } from '../prediction.ts'

// What tracing adds to a predict request of one instance, as processor time. Prints microseconds, each the median of five rounds.
const requests = 20_000
const rounds = 5
const header = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const collector = createServer((request, response) => request.resume().on('end', () => response.end('{}'))).listen(0, '127.0.0.1')
await once(collector, 'listening')
const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = endpoint
const { tracing, shutdown } = await startTelemetry({ service: 'measure' })

const event = {
  prediction_id: '01a205fe-5ee6-744f-9282-f77d53d64d81',
  model_version: '2',
  route: 'champion',
  status: 'ok',
  predicted_at: new Date().toISOString(),
  duration_us: { features: 100, queue: 20, inference: 50 },
}
const predict = (async () => [{ event, error: undefined, tensors: undefined }]) as unknown as Predictor
const model = { definition: { name: 'flight-delay' } } as unknown as ServingModel

async function measure(name: string, tracer: Tracing | undefined, trace: TraceParent | undefined): Promise<void> {
  const traced = tracePredictor(predict, tracer, Date.now)
  const input = { requestId: 'r', instances: [{}], receivedAtMs: Date.now(), trace } as unknown as PredictInput
  const seen: number[] = []
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage()
    for (let index = 0; index < requests; index++) {
      await traced(model, input)
      if (index % 50 === 0) await breathe()
    }
    const { user, system } = process.cpuUsage(before)
    seen.push((user + system) / requests)
  }
  const median = seen.toSorted((one, other) => one - other)[Math.floor(rounds / 2)] ?? 0
  process.stdout.write(`${name}: ${median.toFixed(2)} µs a request\n`)
}

const parent = parseTraceparent(header)
await measure('off', undefined, undefined)
await measure('on, the caller does not sample', tracing, parent && { ...parent, sampled: false })
await measure('on, sampled', tracing, parent)
await shutdown()
collector.close()
