import { Agent, request } from 'node:http'

export type PredictClient = {
  /** Sends a body; the status is 0 when no answer came. */
  send(body: string): Promise<{ status: number }>
  close(): void
}

const timeoutMs = 10_000

/** Predictions over connections that stay open; reads answers whole and looks at their status only. */
export function createPredictClient(url: string): PredictClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 512 })
  const target = `${url}/v1/models/flight-delay/predict`
  const options = { method: 'POST', agent, timeout: timeoutMs, headers: { 'content-type': 'application/json' } }
  return {
    send: (body) =>
      new Promise((resolve) => {
        const sent = request(target, options, (response) => {
          response.resume()
          response.once('close', () => resolve({ status: response.complete ? (response.statusCode ?? 0) : 0 }))
        })
        sent.once('timeout', () => sent.destroy())
        sent.once('error', () => resolve({ status: 0 }))
        sent.end(body)
      }),
    close: () => agent.destroy(),
  }
}
