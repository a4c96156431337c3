import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ErrorBody } from '../../contracts/http.ts'
import { securityHeaderEntries } from './security-headers.ts'

/** Of Node's parser: the status of what is wrong by its code, where it is not 400. */
const statuses: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, HPE_CHUNK_EXTENSIONS_OVERFLOW: 413, ERR_HTTP_REQUEST_TIMEOUT: 408 }
const meanings: Record<number, string> = {
  400: 'this is not a request of HTTP/1.1',
  408: 'the request did not arrive in time',
  413: 'a chunk has too many extensions',
  431: 'the headers are too large',
}

/** Answers what did not come to be a request, and ends its connection: its bytes cannot be told from those of the next one. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  // An answer that is under way already must not be followed by another.
  const { _httpMessage: answer } = socket as Duplex & { _httpMessage?: { headersSent: boolean } | null }
  if (!socket.writable || error.code === 'ECONNRESET' || answer?.headersSent === true) {
    socket.destroy(error)
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
