import type { z } from 'zod'
import { ServiceError } from '../../contracts/errors.ts'
import { acceptedResponse, type AcceptedResponse } from '../../contracts/http.ts'
import { labelList } from '../../contracts/label-definition.ts'
import type { LabelFields } from '../../contracts/label-event.ts'
import { callGateway } from '../../platform/command/call-gateway.ts'
import type { LabelDefinitions } from './label-value.ts'

/**
 * The labels of a gateway. It is asked again while it is unreachable or says to, for about half a minute. Both throw the gateway's
 * error as a ServiceError, with the path of the field at fault.
 */
export type GatewayLabels = {
  /** The definitions by which the gateway judges labels, by name. */
  definitions(): Promise<LabelDefinitions>
  post(labels: readonly LabelFields[], options: { dryRun: boolean }): Promise<AcceptedResponse>
}

export type GatewayLabelsOptions = {
  gatewayUrl: string
  /** Waits; tests pass one that does not. */
  sleep(ms: number): Promise<unknown>
}

const attempts = 10
const firstDelayMs = 250
const longestDelayMs = 5000

export function createGatewayLabels(options: GatewayLabelsOptions): GatewayLabels {
  return {
    async definitions() {
      const { labels } = await ask(options, { answer: labelList })
      return new Map(labels.map((definition) => [definition.name, definition]))
    },
    post(labels, { dryRun }) {
      const body = { labels, ...(dryRun && { dry_run: true }) }
      return ask(options, { send: { method: 'POST', body }, answer: acceptedResponse })
    },
  }
}

/** A question to the gateway: what is sent, if anything, and what a good answer is. */
type Question<Answer> = { send?: { method: 'POST'; body: unknown }; answer: z.ZodType<Answer> }

async function ask<Answer>({ gatewayUrl, sleep }: GatewayLabelsOptions, { send, answer }: Question<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return answer.parse(await callGateway(gatewayUrl, '/v1/labels', send))
    } catch (error) {
      if (!(error instanceof ServiceError) || !error.retryable || attempt === attempts) throw error
      await sleep(Math.min(firstDelayMs * 2 ** (attempt - 1), longestDelayMs))
    }
  }
}
