import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { LogRecord } from '../../platform/event-log/event-log.ts'
import { type TraceParent, traceparentOf } from '../../platform/service/trace-context.ts'
import type { ActiveSpan, SpanStart, Tracing } from '../../platform/service/tracing.ts'

type Entries = readonly { record: LogRecord }[]

/** Runs `store`, and traces it where the batch has events of sampled requests. */
export type TraceBatch = (entries: Entries, store: () => Promise<void>) => Promise<void>

/** The most links that the SDK keeps of a span. */
const mostLinks = 128

/**
 * Makes a span for each batch that has events of sampled requests, linked to them, and in the trace of each such request one for
 * its own event, linked to the batch. With no tracing it only runs `store`.
 */
export function createTraceBatch(tracing: Tracing | undefined): TraceBatch {
  if (tracing === undefined) return (_, store) => store()
  return async function traceBatch(entries, store) {
    const events = entries.flatMap(({ record }) => parentOf(record) ?? [])
    if (events.length === 0) return store()
    const spans = startSpans(tracing, { events, records: entries.length })
    try {
      await store()
      for (const span of spans) span.end()
    } catch (error) {
      for (const span of spans) span.end({ error: { code: SpanStatusCode.ERROR, message: 'not stored' } })
      throw error
    }
  }
}

/** Starts the span of a batch, and one of each of its events. */
function startSpans(tracing: Tracing, { events, records }: { events: readonly TraceParent[]; records: number }): ActiveSpan[] {
  const attributes = { 'messaging.batch.message_count': records, 'hindsight.linked': events.length }
  const batch = tracing.start('store batch', { kind: SpanKind.CONSUMER, links: events.slice(0, mostLinks), attributes })
  const own: SpanStart = { kind: SpanKind.CONSUMER, links: [batch.context] }
  return [batch, ...events.map((parent) => tracing.start('store', { ...own, parent }))]
}

/** The span of the record's request: from the header of the NATS message, or without NATS from the event. */
function parentOf(record: LogRecord): TraceParent | undefined {
  return record.trace ?? (record.origin.lane === 'predictions' ? traceparentOf(record) : undefined)
}
