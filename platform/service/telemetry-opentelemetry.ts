import type { Meter } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, type MetricProducer, type MetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { createInstruments, type Instruments } from './instruments.ts'
import { createMetricProducer } from './instruments-opentelemetry.ts'
import { watchProcess } from './process-metrics.ts'
import type { Tracing } from './tracing.ts'

export type Telemetry = {
  meter: Meter
  /** For what is counted on the path of a request. */
  instruments: Instruments
  /** Only where traces are sent. */
  tracing: Tracing | undefined
  /** Every metric of the process in Prometheus text format. */
  renderMetrics(): Promise<string>
  /** Sends what has not been sent, then stops. */
  shutdown(): Promise<void>
}

export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * The process's metrics: always readable as Prometheus text, pushed over OTLP (with traces) when
 * `otlpEndpoint` is set.
 */
export async function startTelemetry(options: { service: string; otlpEndpoint?: string | undefined }): Promise<Telemetry> {
  const resource = resourceFromAttributes({ 'service.name': `hindsight-${options.service}`, 'process.pid': process.pid })
  const instruments = createInstruments()
  const ofProcess = watchProcess(instruments)
  const metricProducers = [createMetricProducer(instruments)]
  const prometheus = new PrometheusExporter({ preventServerStart: true, metricProducers })
  const otlp = options.otlpEndpoint === undefined ? undefined : await startOtlp(resource, metricProducers)
  const readers: MetricReader[] = otlp === undefined ? [prometheus] : [prometheus, otlp.reader]
  const provider = new MeterProvider({ resource, readers })
  const serializer = new PrometheusSerializer('', false, undefined, true, true)
  return {
    meter: provider.getMeter('hindsight'),
    instruments,
    tracing: otlp?.tracing,
    renderMetrics: async () => serializer.serialize((await prometheus.collect()).resourceMetrics),
    shutdown: async () => {
      ofProcess.stop()
      await Promise.allSettled([provider.shutdown(), otlp?.stopTracing()])
    },
  }
}

// Loaded only when asked for: the exporters cost every process start time that most never use.
async function startOtlp(resource: ReturnType<typeof resourceFromAttributes>, metricProducers: MetricProducer[]) {
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-http')
  const { startTracing } = await import('./tracing-opentelemetry.ts')
  const { tracing, shutdown: stopTracing } = startTracing(resource)
  return {
    reader: new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(), metricProducers }),
    tracing,
    stopTracing,
  }
}
