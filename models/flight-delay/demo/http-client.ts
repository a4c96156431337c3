import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export type Answer = { status: number; body: unknown; latencyMs: number }

export type HttpClient = {
  /**
   * Posts JSON. Waits and repeats what was certainly not answered: a refused connection, 429, 503, and 504, which the model
   * had no time for; with `repeatable`, for bodies whose ids make a repeat harmless, a broken connection too. Anything else
   * is an answer, or an error whose request may have been answered.
   */
  post(path: string, body: unknown, options?: { repeatable?: boolean }): Promise<Answer>
  close(): void
}

export type HttpClientOptions = {
  baseUrl: string
  apiKey?: string | undefined
  connections: number
  /** How long one request is repeated; covers a service that is restarted. */
  retryForMs?: number
  signal?: AbortSignal | undefined
}

/** A replay sends as fast as it can, and on a busy machine the model's budget may run out. */
const repeated = [429, 503, 504]

const firstPauseMs = 50
const longestPauseMs = 1000

/** Connections that stay open, one request at a time each: what a client of a low-latency service would use. */
export function createHttpClient({ baseUrl, apiKey, connections, retryForMs = 60_000, signal }: HttpClientOptions): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const headers = { 'content-type': 'application/json', ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }) }
  const send = (path: string, payload: Buffer) =>
    new Promise<Answer>((resolve, reject) => {
      const sentAt = performance.now()
      const options = { agent, method: 'POST', headers: { ...headers, 'content-length': payload.length }, ...(signal && { signal }) }
      const outgoing = request(new URL(path, baseUrl), options, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const latencyMs = performance.now() - sentAt
          resolve({ status: response.statusCode ?? 0, body: parseJson(Buffer.concat(chunks)), latencyMs })
        })
      })
      outgoing.on('error', reject)
      outgoing.end(payload)
    })
  return {
    async post(path, body, { repeatable = false } = {}) {
      const payload = Buffer.from(JSON.stringify(body))
      const until = performance.now() + retryForMs
      for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
        const answer = await send(path, payload).catch((error: unknown) => toRepeat(error, repeatable))
        const again = answer === undefined || repeated.includes(answer.status)
        if (answer !== undefined && (!again || performance.now() > until)) return answer
        if (performance.now() > until) throw new Error(`nothing listens at ${baseUrl}`)
        await delay(pauseMs, undefined, signal && { signal })
      }
    },
    close: () => agent.destroy(),
  }
}

/** The server went away while the request was under way: it may have been taken. */
export function isBrokenConnection(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNRESET' || code === 'EPIPE'
}

/** Undefined for what may be sent again; throws everything else. */
function toRepeat(error: unknown, repeatable: boolean): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED' || (repeatable && isBrokenConnection(error))) return
  throw error
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
