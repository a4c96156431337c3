import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics'
import type { OtlpSignal } from './otel-environment.ts'

/** Sends metrics by OTLP over HTTP, to where the environment says. */
export function createMetricExporter(protocol: OtlpSignal['protocol']): PushMetricExporter {
  return protocol === 'http/json' ? new OTLPMetricExporter() : new ProtobufExporter()
}
