import { request as send } from 'node:http'
import type { RunningService } from '../../platform/service/service.ts'

/** Hands whatever changes the service to one worker: it checks who asks, and what it changes holds for all on the data directory. */
export function forwardAdmin(target: () => string | undefined): NonNullable<RunningService['admin']> {
  return (request, response) => {
    const admin = target()
    const unavailable = () => response.writeHead(503, { 'retry-after': '1' }).end()
    if (admin === undefined) return void unavailable()
    const { method, headers, url = '/' } = request
    const upstream = send(new URL(url, admin), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    upstream.once('error', () => (response.headersSent ? response.destroy() : unavailable()))
    request.pipe(upstream)
  }
}
