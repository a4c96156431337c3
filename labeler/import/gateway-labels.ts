import { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'
import { acceptedResponse, type AcceptedResponse, errorBody } from '../../contracts/http.ts'
import type { LabelFields } from '../../contracts/label-event.ts'

export type PostLabels = (labels: readonly LabelFields[], options: { dryRun: boolean }) => Promise<AcceptedResponse>

export type GatewayLabelsOptions = {
  gatewayUrl: string
  apiKey?: string | undefined
  /** Waits; tests pass one that does not. */
  sleep(ms: number): Promise<unknown>
}

const attempts = 10
const firstDelayMs = 250
const longestDelayMs = 5000

/**
 * Posts labels to a gateway, again while it is unreachable or says to, for about half a minute. Throws the gateway's
 * error as a ServiceError, with the path of the field at fault.
 */
export function createPostLabels(options: GatewayLabelsOptions): PostLabels {
  return async (labels, { dryRun }) => {
    const body = JSON.stringify({ labels, ...(dryRun && { dry_run: true }) })
    for (let attempt = 1; ; attempt++) {
      try {
        return await post(options, body)
      } catch (error) {
        if (!(error instanceof ServiceError) || !error.retryable || attempt === attempts) throw error
        await options.sleep(Math.min(firstDelayMs * 2 ** (attempt - 1), longestDelayMs))
      }
    }
  }
}

async function post({ gatewayUrl, apiKey }: GatewayLabelsOptions, body: string): Promise<AcceptedResponse> {
  const headers = { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) }
  const answer = await reach(new URL('/v1/labels', gatewayUrl), { method: 'POST', headers, body })
  if (answer.status === 202) return acceptedResponse.parse(answer.body)
  const parsed = errorBody.safeParse(answer.body)
  if (!parsed.success) throw new ServiceError('internal', `the gateway answered ${answer.status}`, { cause: z.prettifyError(parsed.error) })
  const { code, message, path, hint } = parsed.data.error
  throw new ServiceError(code, message, { ...(path !== undefined && { path }), ...(hint !== undefined && { hint }) })
}

async function reach(url: URL, init: RequestInit): Promise<{ status: number; body: unknown }> {
  try {
    const response = await fetch(url, init)
    return { status: response.status, body: await response.json().catch(() => undefined) }
  } catch (cause) {
    throw new ServiceError('not_ready', `no gateway answers at ${url.origin}`, { cause, hint: 'start it with `npx hindsight up`' })
  }
}
