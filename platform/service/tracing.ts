import type { Attributes, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { TraceParent } from './trace-context.ts'

export type SpanStart = {
  kind?: SpanKind
  /** The span that this one is part of; without one a trace begins. */
  parent?: TraceParent | undefined
  /** An id that others can tell from elsewhere; by default a random one. */
  spanId?: string
  links?: readonly TraceParent[]
  attributes?: Attributes
  /** The span's start in Unix milliseconds, with fractions; by default now. */
  atMs?: number
}

export type ActiveSpan = {
  readonly context: TraceParent
  end(options?: { atMs?: number; attributes?: Attributes; error?: { code: SpanStatusCode; message: string } }): void
}

/** Starts spans. Each names what it belongs to, so that no context has to be carried along through every call. */
export type Tracing = { start(name: string, options: SpanStart): ActiveSpan }
