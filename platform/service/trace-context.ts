/** The span that asked, in its trace, after https://www.w3.org/TR/trace-context/. Ids are lower-case hexadecimal. */
export type TraceParent = { traceId: string; spanId: string; sampled: boolean }

const form = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Parses the header `traceparent`; a malformed one is undefined, never an error, and begins no trace. */
export function parseTraceparent(header: string | undefined): TraceParent | undefined {
  if (header === undefined) return undefined
  const [, version, traceId = '', spanId = '', flags = '', more] = form.exec(header) ?? []
  if (version === undefined || (version === '00' && more !== undefined)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

export function toTraceparent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`
}

/**
 * The span in which a prediction was made durable, for whoever has only its event: the last 16 digits of its prediction id,
 * which are random.
 */
export function spanIdOf(predictionId: string): string {
  return predictionId.slice(-17).replace('-', '')
}

/** The texts around the trace id in a sampled prediction event's canonical form. A client's own text cannot hold them, since its quotes are escaped. */
const before = Buffer.from('"trace_id":"')
const behind = '","trace_sampled":true,"trigger":'
const traceIdLength = 32

/** The context of the span that made the event durable; undefined where none was recorded. Does not parse the event. */
export function traceparentOf({ id, payload }: { id: string; payload: Uint8Array }): TraceParent | undefined {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const at = bytes.lastIndexOf(before)
  if (at === -1) return undefined
  const end = at + before.length + traceIdLength
  if (bytes.toString('latin1', end, end + behind.length) !== behind) return undefined
  const traceId = bytes.toString('latin1', end - traceIdLength, end)
  return parseTraceparent(toTraceparent({ traceId, spanId: spanIdOf(id), sampled: true }))
}
