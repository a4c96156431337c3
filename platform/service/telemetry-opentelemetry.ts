import { diag, DiagLogLevel, type Meter } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import type { Resource } from '@opentelemetry/resources'
import { MeterProvider, type MetricProducer, type MetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { emitWarning } from 'node:process'
import { createInstruments, type Instruments } from './instruments.ts'
import { createMetricProducer } from './instruments-opentelemetry.ts'
import { type OtelEnvironment, readOtelEnvironment } from './otel-environment.ts'
import { watchProcess } from './process-metrics.ts'
import { describeResource } from './resource-opentelemetry.ts'
import type { Tracing } from './tracing.ts'

export type Telemetry = {
  meter: Meter
  /** The metrics that are counted on the path of a request. */
  instruments: Instruments
  /** The maker of spans; undefined unless traces are sent. */
  tracing: Tracing | undefined
  /** Every metric of the process in Prometheus text format. */
  renderMetrics(): Promise<string>
  /** Sends what has not been sent, then stops. */
  shutdown(): Promise<void>
}

export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Starts the process's metrics, always readable as Prometheus text. They are pushed by OTLP over HTTP, with traces, as
 * OpenTelemetry's variables in `process.env` say; `warn` is told of each unsupported value, and later of what cannot be sent.
 */
export async function startTelemetry({
  service,
  warn = emitWarning,
}: {
  service: string
  warn?: (message: string) => void
}): Promise<Telemetry> {
  const asked = readOtelEnvironment(process.env)
  const { resource, notes } = describeResource(service)
  const sends = asked.traces !== undefined || asked.metrics !== undefined
  for (const note of sends ? [...asked.notes, ...notes] : asked.notes) warn(note)
  if (sends) listenToSdk(warn)
  const instruments = createInstruments()
  const ofProcess = watchProcess(instruments)
  const metricProducers = [createMetricProducer(instruments)]
  const prometheus = new PrometheusExporter({ preventServerStart: true, metricProducers })
  const pushed = await pushMetrics(asked.metrics, metricProducers)
  const traces = await sendTraces(asked.traces, resource)
  const provider = new MeterProvider({ resource, readers: [prometheus, ...pushed] })
  const serializer = new PrometheusSerializer('', false, undefined, true, true)
  return {
    meter: provider.getMeter('hindsight'),
    instruments,
    tracing: traces?.tracing,
    renderMetrics: async () => serializer.serialize((await prometheus.collect()).resourceMetrics),
    shutdown: async () => {
      ofProcess.stop()
      const results = await Promise.allSettled([provider.shutdown(), traces?.shutdown()])
      for (const result of results) if (result.status === 'rejected') warn(String(result.reason))
    },
  }
}

/** Passes on what the SDK tells only its own logger: how it reads its variables, and what it could not send. */
function listenToSdk(warn: (message: string) => void): void {
  const say = (...said: unknown[]) => warn(said.map(String).join(' '))
  const silent = () => undefined
  const logger = { error: say, warn: say, info: silent, debug: silent, verbose: silent }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
}

// The exporters are loaded only when asked for: they cost every process start time that most never use.
async function pushMetrics(asked: OtelEnvironment['metrics'], metricProducers: MetricProducer[]): Promise<MetricReader[]> {
  if (asked === undefined) return []
  const { createMetricExporter } = await import('./metric-exporter-opentelemetry.ts')
  const times = { exportIntervalMillis: asked.intervalMs, exportTimeoutMillis: asked.timeoutMs }
  return [new PeriodicExportingMetricReader({ exporter: createMetricExporter(asked.protocol), metricProducers, ...times })]
}

async function sendTraces(asked: OtelEnvironment['traces'], resource: Resource) {
  if (asked === undefined) return undefined
  const { startTracing } = await import('./tracing-opentelemetry.ts')
  return startTracing(resource, asked)
}
