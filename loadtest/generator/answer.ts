/** The parts of an answer that a load looks at. */
export type Answer = {
  /** The status; 0 when no answer came. */
  status: number
  /** The seconds of `Retry-After`; 0 where there is none. */
  retryAfterSeconds: number
  /** Whether the server closes the connection after it. */
  closes: boolean
}

export const noAnswer: Answer = { status: 0, retryAfterSeconds: 0, closes: true }

/** Parses an answer of HTTP/1.1 that begins with these bytes; undefined while it is not all there. */
export function parseAnswer(bytes: Buffer): Answer | undefined {
  const headLength = bytes.indexOf('\r\n\r\n')
  if (headLength === -1) return undefined
  const head = bytes.toString('latin1', 0, headLength).toLowerCase()
  if (!isComplete(head, bytes.subarray(headLength + 4))) return undefined
  return {
    status: Number(head.slice(9, 12)),
    retryAfterSeconds: Number(valueOf(head, 'retry-after') ?? 0),
    closes: valueOf(head, 'connection') === 'close',
  }
}

function isComplete(head: string, body: Buffer): boolean {
  const length = valueOf(head, 'content-length')
  if (length !== undefined) return body.length >= Number(length)
  if (valueOf(head, 'transfer-encoding') === 'chunked') return hasLastChunk(body)
  throw new Error('an answer has neither a Content-Length nor chunks')
}

/** Goes from chunk to chunk: what ends the last one may stand in an earlier one too. */
function hasLastChunk(body: Buffer): boolean {
  for (let at = 0; ;) {
    const lineEnd = body.indexOf('\r\n', at)
    if (lineEnd === -1) return false
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16)
    at = lineEnd + 2 + size + 2
    if (size === 0) return body.length >= at
  }
}

function valueOf(head: string, name: string): string | undefined {
  const at = head.indexOf(`\r\n${name}:`)
  if (at === -1) return undefined
  const end = head.indexOf('\r\n', at + 2)
  return head.slice(at + name.length + 3, end === -1 ? undefined : end).trim()
}
