import { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'
import { acceptedResponse, type AcceptedResponse, errorBody } from '../../contracts/http.ts'
import { labelList } from '../../contracts/label-definition.ts'
import type { LabelFields } from '../../contracts/label-event.ts'
import type { LabelDefinitions } from './label-value.ts'

/**
 * The labels of a gateway. It is asked again while it is unreachable or says to, for about half a minute. Both throw the gateway's
 * error as a ServiceError, with the path of the field at fault.
 */
export type GatewayLabels = {
  /** What it judges labels by, by name. */
  definitions(): Promise<LabelDefinitions>
  post(labels: readonly LabelFields[], options: { dryRun: boolean }): Promise<AcceptedResponse>
}

export type GatewayLabelsOptions = {
  gatewayUrl: string
  apiKey?: string | undefined
  /** Waits; tests pass one that does not. */
  sleep(ms: number): Promise<unknown>
}

const attempts = 10
const firstDelayMs = 250
const longestDelayMs = 5000

export function createGatewayLabels(options: GatewayLabelsOptions): GatewayLabels {
  return {
    async definitions() {
      const { labels } = await ask(options, { method: 'GET', status: 200, answer: labelList })
      return new Map(labels.map((definition) => [definition.name, definition]))
    },
    post(labels, { dryRun }) {
      const body = JSON.stringify({ labels, ...(dryRun && { dry_run: true }) })
      return ask(options, { method: 'POST', status: 202, answer: acceptedResponse, body })
    },
  }
}

/** A request, and how it is answered when it succeeds. */
type Question<Answer> = { method: 'GET' | 'POST'; body?: string; status: number; answer: z.ZodType<Answer> }

async function ask<Answer>(options: GatewayLabelsOptions, question: Question<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await askOnce(options, question)
    } catch (error) {
      if (!(error instanceof ServiceError) || !error.retryable || attempt === attempts) throw error
      await options.sleep(Math.min(firstDelayMs * 2 ** (attempt - 1), longestDelayMs))
    }
  }
}

async function askOnce<Answer>({ gatewayUrl, apiKey }: GatewayLabelsOptions, question: Question<Answer>): Promise<Answer> {
  const { method, body } = question
  const headers = { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) }
  const answer = await reach(new URL('/v1/labels', gatewayUrl), { method, headers, ...(body !== undefined && { body }) })
  if (answer.status === question.status) return question.answer.parse(answer.body)
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
