import { Agent, request } from 'node:http'

export type HttpAnswer = { status: number; body: unknown }

/** Sends JSON. Never sends anything twice. */
export type HttpClient = {
  /**
   * Rejects when there was no whole answer: whether the request was taken is then unknown. `gave_up` after the client's own time-out, which
   * begins when the request has a connection: on a busy machine many wait for one, and none of these has been sent.
   */
  post(path: string, body: unknown): Promise<HttpAnswer>
  close(): void
}

export function createHttpClient(options: { port: number; timeoutMs: number; maxConnections: number; keepAlive: boolean }): HttpClient {
  const agent = new Agent({ keepAlive: options.keepAlive, maxSockets: options.maxConnections })
  return {
    post(path, body) {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
      return new Promise((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port: options.port, method: 'POST', path, headers, agent }, (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.once('error', reject)
          answer.once('end', () => {
            if (answer.complete) resolve({ status: answer.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString()) })
            else reject(new Error('the answer broke off'))
          })
        })
        sent.once('error', reject)
        sent.once('socket', () => {
          // The turn's reads come before the time-out: what arrived while this process was held up is an answer.
          const timer = setTimeout(() => setImmediate(() => sent.destroy(new GaveUpError())), options.timeoutMs)
          sent.once('close', () => clearTimeout(timer))
        })
        sent.end(text)
      })
    },
    close: () => agent.destroy(),
  }
}

class GaveUpError extends Error {
  readonly code = 'gave_up'
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
