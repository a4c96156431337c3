import type { ServerResponse } from 'node:http'
import { ServiceError } from '../../contracts/errors.ts'
import { AnswerWatch } from './answer-watch.ts'
import { bodyCutShort, bodyLate, bodyTooLarge } from './body-errors.ts'
import type { BodyDeadline, Exchange } from './exchange.ts'

/** An exchange over fetch's request and response; `outgoing` is what becomes of it, where that is Node's. */
export function createFetchExchange(request: Request, outgoing?: ServerResponse): Exchange {
  const watch = outgoing === undefined ? undefined : new AnswerWatch(outgoing)
  const header = (name: string) => request.headers.get(name) ?? undefined
  return {
    header,
    receive({ maxBytes, within }) {
      const declared = header('content-length')
      if (declared !== undefined && Number(declared) > maxBytes) return Promise.reject(bodyTooLarge(maxBytes))
      return receivedBy(within, readChunks(request.body, maxBytes))
    },
    send({ status = 200, body, errorCode }, rawHeaders) {
      if (watch !== undefined) watch.errorCode = errorCode
      return new Response(body, { status, headers: toPairs(rawHeaders) })
    },
    ...(watch !== undefined && { onEnd: (listener) => watch.onEnd(listener) }),
  }
}

function receivedBy(within: BodyDeadline | undefined, reading: Promise<Uint8Array>): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const deadline = within?.deadlines.at(within.atTick, () => reject(bodyLate()))
    const clear = () => deadline !== undefined && within?.deadlines.clear(deadline)
    reading.finally(clear).then(resolve, (cause: unknown) => reject(cause instanceof ServiceError ? cause : bodyCutShort(cause)))
  })
}

async function readChunks(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.byteLength
    if (length > maxBytes) throw bodyTooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

function toPairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at] as string, raw[2 * at + 1] as string])
}
