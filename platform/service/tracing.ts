import type { Attributes, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { TraceParent } from './trace-context.ts'

export type SpanStart = {
  kind?: SpanKind
  /** Without one a trace begins. */
  parent?: TraceParent | undefined
  /** An id that others can tell from elsewhere; by default a random one. */
  spanId?: string
  links?: readonly TraceParent[]
  attributes?: Attributes
  /** Unix milliseconds, fractions of them too; by default now. */
  atMs?: number
}

export type ActiveSpan = {
  readonly context: TraceParent
  end(options?: { atMs?: number; attributes?: Attributes; error?: { code: SpanStatusCode; message: string } }): void
}

/** Spans with what they belong to named, so that nothing has to be carried along through every call. */
export type Tracing = { start(name: string, options: SpanStart): ActiveSpan }
