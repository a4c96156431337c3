import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Answer } from './answer.ts'
import { AnswerWatch } from './answer-watch.ts'
import { bodyCutShort, bodyLate, bodyTooLarge } from './body-errors.ts'
import { drainBody } from './drain-body.ts'
import type { Ending, Exchange, ReceiveOptions } from './exchange.ts'

/**
 * An exchange over Node's own request and response: header and body of the answer leave in one write. A class, because its
 * functions would be made anew for each request.
 */
export class NodeExchange implements Exchange {
  readonly #incoming: IncomingMessage
  readonly #outgoing: ServerResponse
  readonly #watch: AnswerWatch

  constructor({ incoming, outgoing }: { incoming: IncomingMessage; outgoing: ServerResponse }) {
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.#watch = new AnswerWatch(outgoing)
  }

  header(name: string): string | undefined {
    return this.#incoming.headers[name] as string | undefined
  }

  receive({ maxBytes, within }: ReceiveOptions): Promise<Uint8Array> {
    const incoming = this.#incoming
    if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) return Promise.reject(bodyTooLarge(maxBytes))
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let bytes = 0
      let isOver = false
      const deadline = within?.deadlines.at(within.atTick, () => leave(bodyLate()))
      const end = () => {
        isOver = true
        if (deadline !== undefined) within?.deadlines.clear(deadline)
      }
      /** Stops reading; the rest of the body is left to whoever ends the connection. */
      const leave = (error: Error) => {
        incoming.off('data', onData).pause()
        end()
        reject(error)
      }
      const onData = (chunk: Buffer) => {
        bytes += chunk.byteLength
        if (bytes > maxBytes) leave(bodyTooLarge(maxBytes))
        else chunks.push(chunk)
      }
      incoming.on('data', onData)
      // Both come once.
      incoming.on('end', () => {
        end()
        resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes))
      })
      // The event `close` comes after the end of a whole body too.
      incoming.on('close', () => {
        if (isOver) return
        end()
        reject(bodyCutShort(incoming.errored))
      })
    })
  }

  send({ status = 200, body, errorCode }: Answer, rawHeaders: string[]): Response {
    const outgoing = this.#outgoing
    this.#watch.errorCode = errorCode
    if (outgoing.destroyed) return RESPONSE_ALREADY_SENT
    rawHeaders.push('Content-Length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength))
    if (!this.#incoming.readableEnded) outgoing.once('finish', () => drainBody(this.#incoming))
    outgoing.writeHead(status, rawHeaders).end(body)
    return RESPONSE_ALREADY_SENT
  }

  onEnd(listener: (ending: Ending) => void): void {
    this.#watch.onEnd(listener)
  }

  abort(): void {
    this.#outgoing.destroy()
  }
}
