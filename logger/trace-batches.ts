import { SpanKind } from '@opentelemetry/api'
import type { LogRecord } from '../platform/event-log/event-log.ts'
import { type TraceParent, traceparentOf } from '../platform/service/trace-context.ts'
import type { Tracing } from '../platform/service/tracing.ts'

type Entries = readonly { record: LogRecord }[]

/** Around the storing of a batch. */
export type TraceBatch = (entries: Entries, store: () => Promise<void>) => Promise<void>

/** What the SDK keeps of a span's links. */
const mostLinks = 128

/** A span for each batch that has events of traced requests, linked to them. With no tracing it is nothing but the work. */
export function createTraceBatch(tracing: Tracing | undefined): TraceBatch {
  if (tracing === undefined) return (_, store) => store()
  return async function traceBatch(entries, store) {
    const links = linksOf(entries)
    if (links.length === 0) return store()
    const attributes = { 'messaging.batch.message_count': entries.length, 'hindsight.linked': links.length }
    const span = tracing.start('store batch', { kind: SpanKind.CONSUMER, links, attributes })
    try {
      await store()
    } finally {
      span.end()
    }
  }
}

function linksOf(entries: Entries): TraceParent[] {
  const links: TraceParent[] = []
  for (const { record } of entries) {
    if (links.length === mostLinks) break
    const link = record.trace ?? (record.origin.lane === 'predictions' ? traceparentOf(record) : undefined)
    if (link !== undefined) links.push(link)
  }
  return links
}
