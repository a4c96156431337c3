import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** An answer; `tries` says how often its request was sent. */
export type HttpAnswer = { status: number; body: unknown; latencyMs: number; tries: number }

export type HttpClient = {
  /**
   * Posts JSON. A request that was certainly not answered waits and is repeated: after a refused connection, 429, 503, or 504,
   * which says that the model had no time. So is one whose connection broke, which the ids in the body or the request's
   * `idempotencyKey` make harmless, and one whose key another request has (409). Any other status is an answer.
   */
  post(path: string, body: unknown, options?: { idempotencyKey?: string }): Promise<HttpAnswer>
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

/** The statuses after which a request is repeated: a replay sends as fast as it can, and on a busy machine the model's budget may run out. */
const repeated = [429, 503, 504]

const firstPauseMs = 50
const longestPauseMs = 1000

/** A client whose connections stay open, one request at a time each, as that of a low-latency service would. */
export function createHttpClient({ baseUrl, apiKey, connections, retryForMs = 60_000, signal }: HttpClientOptions): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const headers = { 'content-type': 'application/json', ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }) }
  const send = (path: string, payload: Buffer, more: Record<string, string>) =>
    new Promise<Omit<HttpAnswer, 'tries'>>((resolve, reject) => {
      const sentAt = performance.now()
      const options = {
        agent,
        method: 'POST',
        headers: { ...headers, ...more, 'content-length': payload.length },
        ...(signal && { signal }),
      }
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
    async post(path, body, { idempotencyKey } = {}) {
      const payload = Buffer.from(JSON.stringify(body))
      const until = performance.now() + retryForMs
      const more: Record<string, string> = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }
      let pauseMs = firstPauseMs
      for (let tries = 1; ; tries++, pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
        const answer = await send(path, payload, more).catch(toRepeat)
        const again = answer === undefined || mayComeLater(answer)
        if (answer !== undefined && (!again || performance.now() > until)) return { ...answer, tries }
        if (performance.now() > until) throw new Error(`nothing listens at ${baseUrl}`)
        await delay(pauseMs, undefined, signal && { signal })
      }
    },
    close: () => agent.destroy(),
  }
}

function mayComeLater({ status, body }: Omit<HttpAnswer, 'tries'>): boolean {
  return repeated.includes(status) || codeOf(body) === 'idempotency_conflict'
}

/** The error's code, where the answer is one. */
export function codeOf(body: unknown): string | undefined {
  return (body as { error?: { code?: string } } | undefined)?.error?.code
}

/** The errors of a connection where nothing listens, or whose server went away while the request was under way and may have taken it. */
const broken = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE']

/** Gives undefined for an error after which a request may be sent again, and throws every other. */
function toRepeat(error: unknown): undefined {
  if (!broken.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
