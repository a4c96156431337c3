import { ROOT_CONTEXT, type SpanContext, trace, TraceFlags } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import type { Resource } from '@opentelemetry/resources'
import { BatchSpanProcessor, type IdGenerator, NodeTracerProvider, RandomIdGenerator } from '@opentelemetry/sdk-trace-node'
import type { OtlpSignal } from './otel-environment.ts'
import type { TraceParent } from './trace-context.ts'
import type { Tracing } from './tracing.ts'

/** Starts tracing: spans are sent by OTLP over HTTP, to where the environment says and as it says by OTEL_TRACES_SAMPLER and the others. */
export function startTracing(resource: Resource, { protocol }: OtlpSignal): { tracing: Tracing; shutdown(): Promise<void> } {
  const ids = createIds()
  const spanProcessors = [new BatchSpanProcessor(protocol === 'http/json' ? new OTLPTraceExporter() : new ProtobufExporter())]
  const provider = new NodeTracerProvider({ resource, spanProcessors, idGenerator: ids.generator })
  const tracer = provider.getTracer('hindsight')
  return {
    tracing: {
      start(name, { parent, spanId, links = [], kind, attributes = {}, atMs }) {
        const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, toSpanContext(parent))
        const span = ids.using(spanId, () =>
          tracer.startSpan(
            name,
            {
              attributes,
              links: links.map((link) => ({ context: toSpanContext(link) })),
              ...(kind !== undefined && { kind }),
              ...(atMs !== undefined && { startTime: atMs }),
            },
            context,
          ),
        )
        return {
          context: toTraceParent(span.spanContext()),
          end({ atMs: endMs, attributes: more = {}, error } = {}) {
            span.setAttributes(more)
            if (error !== undefined) span.setStatus(error)
            span.end(endMs)
          },
        }
      },
    },
    shutdown: () => provider.shutdown(),
  }
}

/** Gives the SDK the ids of spans. It asks for one while it starts a span, so an id that is to be used is put there for just that call. */
function createIds(): { generator: IdGenerator; using<T>(spanId: string | undefined, start: () => T): T } {
  const random = new RandomIdGenerator()
  let given: string | undefined
  return {
    generator: { generateTraceId: random.generateTraceId, generateSpanId: () => given ?? random.generateSpanId() },
    using(spanId, start) {
      given = spanId
      try {
        return start()
      } finally {
        given = undefined
      }
    },
  }
}

function toSpanContext({ traceId, spanId, sampled }: TraceParent): SpanContext {
  return { traceId, spanId, isRemote: true, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE }
}

function toTraceParent({ traceId, spanId, traceFlags }: SpanContext): TraceParent {
  return { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }
}
