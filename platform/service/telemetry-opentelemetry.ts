import { type Meter, metrics } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, type MetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'

export type Telemetry = {
  meter: Meter
  /** Every metric of the process in Prometheus text format. */
  renderMetrics(): Promise<string>
  /** Sends what has not been sent, then stops. */
  shutdown(): Promise<void>
}

export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * The process's metrics: always readable as Prometheus text, pushed over OTLP (with traces) when
 * `otlpEndpoint` is set. Registers the global OpenTelemetry providers, so it is called once per process.
 */
export async function startTelemetry(options: { service: string; otlpEndpoint?: string | undefined }): Promise<Telemetry> {
  const resource = resourceFromAttributes({ 'service.name': `hindsight-${options.service}`, 'process.pid': process.pid })
  const prometheus = new PrometheusExporter({ preventServerStart: true })
  const otlp = options.otlpEndpoint === undefined ? undefined : await startOtlp(resource)
  const readers: MetricReader[] = otlp === undefined ? [prometheus] : [prometheus, otlp.reader]
  const provider = new MeterProvider({ resource, readers })
  metrics.setGlobalMeterProvider(provider)
  const serializer = new PrometheusSerializer('', false, undefined, true, true)
  return {
    meter: provider.getMeter('hindsight'),
    renderMetrics: async () => serializer.serialize((await prometheus.collect()).resourceMetrics),
    shutdown: async () => {
      await Promise.allSettled([provider.shutdown(), otlp?.stopTraces()])
    },
  }
}

// Loaded only when asked for: the exporters cost every process start time that most never use.
async function startOtlp(resource: ReturnType<typeof resourceFromAttributes>) {
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-http')
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
  const { BatchSpanProcessor, NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node')
  const tracer = new NodeTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] })
  tracer.register()
  return {
    reader: new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() }),
    stopTraces: () => tracer.shutdown(),
  }
}
