import { RequestError } from '@hono/node-server'
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ErrorBody } from '../../contracts/http.ts'
import { securityHeaderEntries } from './security-headers.ts'

/** The status for each error code of Node's parser that is not answered with 400. */
const statuses: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, HPE_CHUNK_EXTENSIONS_OVERFLOW: 413, ERR_HTTP_REQUEST_TIMEOUT: 408 }
/** The error codes of a client that is gone, in the middle of its request or not. */
const hangUps = ['ECONNRESET', 'HPE_INVALID_EOF_STATE']
const meanings: Record<number, string> = {
  400: 'this is not a request of HTTP/1.1',
  408: 'the request did not arrive in time',
  413: 'a chunk has too many extensions',
  431: 'the headers are too large',
}

/** Answers a request whose target or Host makes no valid URL; any other fault is ours. */
export function answerMalformed(fault: unknown): Response {
  const isMalformed = fault instanceof RequestError
  const error = isMalformed
    ? { code: 'invalid_request', message: 'the target of the request, or its Host, is malformed' }
    : { code: 'internal', message: 'the server failed' }
  return Response.json({ error }, { status: isMalformed ? 400 : 500, headers: Object.fromEntries(securityHeaderEntries) })
}

/** Refuses bytes that are no request, and ends the connection: they cannot be told from those of the next request. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  const { _httpMessage: answer } = socket as Socket & { _httpMessage?: ServerResponse | null }
  if (!socket.writable || hangUps.includes(error.code ?? '')) {
    socket.destroy(error)
    return
  }
  // Of requests that came one behind the other, the first gets its answer whole before the connection ends.
  if (answer) {
    answer.once('close', () => (socket as Socket).destroySoon())
    return
  }
  const status = statuses[error.code ?? ''] ?? 400
  const body: Omit<ErrorBody['error'], 'request_id'> = { code: 'invalid_request', message: meanings[status] ?? '' }
  const text = JSON.stringify({ error: body })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...securityHeaderEntries.map((entry) => entry.join(': ')),
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
}
