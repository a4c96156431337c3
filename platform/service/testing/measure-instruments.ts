import type { Attributes } from '@opentelemetry/api'
import { secondBounds } from '../instruments.ts'
import { startTelemetry } from '../telemetry-opentelemetry.ts'

// Measures what it costs to count one predict request: two counters and a histogram of its own, four stages. Prints microseconds.
const requests = 200_000
const rounds = 5
const { instruments, meter, shutdown } = await startTelemetry({ service: 'measure' })

const request = ['/v1/models/:model/predict', 'POST', '200', ''] as const
const stages = ['features', 'queue', 'inference', 'outbox'] as const

function ours(): () => void {
  const requestCount = instruments.counter({ name: 'requests', description: '', labels: ['route', 'method', 'status', 'code'] })
  const predictions = instruments.counter({ name: 'predictions', description: '', labels: ['model', 'version', 'status'] })
  const stageSeconds = instruments.histogram({
    name: 'stage',
    description: '',
    labels: ['model', 'version', 'stage'],
    bounds: secondBounds,
  })
  const requestSeconds = instruments.histogram({ name: 'request', description: '', labels: ['route'], bounds: secondBounds })
  return () => {
    requestCount(...request).add(1)
    requestSeconds(request[0]).record(0.0015)
    for (const stage of stages) stageSeconds('flight-delay', '2', stage).record(0.0003)
    predictions('flight-delay', '2', 'ok').add(1)
  }
}

function openTelemetrys(): () => void {
  const advice = { explicitBucketBoundaries: [...secondBounds] }
  const requestCount = meter.createCounter('requests')
  const predictions = meter.createCounter('predictions')
  const stageSeconds = meter.createHistogram('stage', { advice })
  const requestSeconds = meter.createHistogram('request', { advice })
  const [route, method, status, code] = request
  const labelsOf = (labels: Attributes): Attributes => ({ model: 'flight-delay', version: '2', ...labels })
  return () => {
    requestCount.add(1, { route, method, status, code })
    requestSeconds.record(0.0015, { route })
    for (const stage of stages) stageSeconds.record(0.0003, labelsOf({ stage }))
    predictions.add(1, labelsOf({ status: 'ok' }))
  }
}

function microsecondsOf(count: () => void): number {
  const startedAt = performance.now()
  for (let index = 0; index < requests; index++) count()
  return ((performance.now() - startedAt) * 1000) / requests
}

const kinds = { 'series held': ours(), 'OpenTelemetry instruments': openTelemetrys() }
for (let round = 0; round < rounds; round++)
  for (const [name, count] of Object.entries(kinds)) process.stdout.write(`${name}: ${microsecondsOf(count).toFixed(2)} µs a request\n`)
await shutdown()
