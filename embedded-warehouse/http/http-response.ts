import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import { type EngineError, httpStatusOf, retryAfterOf, toErrorText } from '../engine/engine-error.ts'
import { type Encoder, chooseEncoding, createEncoders } from './http-encoding.ts'
import type { Compression } from './http-request.ts'
import { hasProgressRows } from './progress-rows.ts'

/** One answer of ClickHouse's HTTP interface. Headers go out with the first bytes, so an early error has its status. */
export type QueryResponse = {
  setHeaders(headers: Record<string, string>): void
  /** Waits while the client is slow. Throws when it has gone. */
  write(chunk: Uint8Array): Promise<void>
  end(): Promise<void>
  /**
   * Tells the error. Before the first byte it is an error answer; later a row if that is wanted, or the exception block that
   * clients look for, then a broken connection.
   */
  fail(error: EngineError): void
}

export type ResponseDeps = {
  request: IncomingMessage
  response: ServerResponse
  version: string
  queryId: string
  compression: Compression
  errorsAsRows: boolean
}

export function createQueryResponse({ request, response, version, queryId, compression, errorsAsRows }: ResponseDeps): QueryResponse {
  const tag = randomBytes(8).toString('hex')
  const headers: Record<string, string> = {
    'X-ClickHouse-Query-Id': queryId,
    'X-ClickHouse-Server-Display-Name': 'hindsight-embedded',
    'X-ClickHouse-Timezone': 'UTC',
    'X-ClickHouse-Exception-Tag': tag,
  }
  let encoders: Encoder[] = []
  let out: Writable | undefined

  function begin(): Writable {
    const encoding = compression.http ? chooseEncoding(request) : undefined
    response.writeHead(200, { ...headers, ...(encoding !== undefined && { 'Content-Encoding': encoding }) })
    return chain({ encoding, nativeBlocks: compression.nativeBlocks })
  }

  function chain(through: Parameters<typeof createEncoders>[0]): Writable {
    encoders = createEncoders(through)
    return encoders.reduceRight<Writable>((next, encoder) => {
      encoder.pipe(next)
      return encoder
    }, response)
  }

  return {
    setHeaders: (more) => void Object.assign(headers, more),
    async write(chunk) {
      out ??= begin()
      if (response.destroyed) throw new Error('the client has gone')
      if (!out.write(chunk)) await until(out, 'drain', response)
    },
    async end() {
      out ??= begin()
      out.end()
      if (!response.writableFinished && !response.destroyed) await until(response, 'finish', response)
    },
    fail(error) {
      if (response.destroyed) return
      const text = toErrorText(error, version)
      if (out === undefined) {
        const { 'X-ClickHouse-Exception-Tag': _, ...plain } = headers
        if (!request.complete) plain['Connection'] = 'close'
        const retryAfter = retryAfterOf(error.code)
        const encoding = compression.http ? chooseEncoding(request) : undefined
        response.writeHead(httpStatusOf(error.code), {
          ...plain,
          ...(encoding !== undefined && { 'Content-Encoding': encoding }),
          'X-ClickHouse-Exception-Code': String(error.code),
          ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
          'Content-Type': 'text/plain; charset=UTF-8',
        })
        chain({ encoding, nativeBlocks: false }).end(text)
        return
      }
      if (errorsAsRows && hasProgressRows(headers['X-ClickHouse-Format'] ?? '')) {
        out.end(`${JSON.stringify({ exception: text.trimEnd() })}\n`)
        return
      }
      breakOff({ out, encoders, response }, exceptionBlock(tag, text))
    },
  }
}

/** The form of ClickHouse 25.11: clients read the message backwards from the end of the body. */
function exceptionBlock(tag: string, text: string): string {
  return `\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`
}

/** How long a client that knows the exception block has to read it and hang up. */
const readBlockWithinMs = 2_000

/** No last chunk is sent: a client that knows nothing of the block sees, a little later, a response that was cut short. */
function breakOff({ out, encoders, response }: { out: Writable; encoders: Encoder[]; response: ServerResponse }, block: string): void {
  const cut = setTimeout(() => response.destroy(), readBlockWithinMs)
  response.once('close', () => clearTimeout(cut))
  // Clients look for the block in one piece: what came before it is sent first.
  for (const encoder of encoders) encoder.flush?.()
  setTimeout(() => {
    out.write(block)
    for (const encoder of encoders) encoder.flush?.()
  }, 50)
}

/** A client that takes nothing for this long has stopped; it must not keep its session. */
const stalledAfterMs = 300_000

/** Resolves at the event, or when the connection has closed before it. */
function until(emitter: Writable, event: 'drain' | 'finish', response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const stalled = setTimeout(() => response.destroy(), stalledAfterMs)
    const done = () => {
      clearTimeout(stalled)
      emitter.off(event, done)
      response.off('close', done)
      resolve()
    }
    emitter.on(event, done)
    response.on('close', done)
  })
}
