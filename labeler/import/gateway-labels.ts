import type { z } from 'zod'
import { acceptedResponse, type AcceptedResponse } from '../../contracts/http.ts'
import { labelList } from '../../contracts/label-definition.ts'
import type { LabelFields } from '../../contracts/label-event.ts'
import { callGateway } from '../../platform/command/call-gateway.ts'
import type { LabelDefinitions } from './label-value.ts'
import { type BackOff, retry } from '../../platform/service/retry.ts'

/**
 * The labels of a gateway. It is asked again while it is unreachable or says to, for about half a minute. Both throw the gateway's
 * error as a ServiceError, with the path of the field at fault.
 */
export type GatewayLabels = {
  /** The definitions by which the gateway judges labels, by name. */
  definitions(): Promise<LabelDefinitions>
  post(labels: readonly LabelFields[], options: { dryRun: boolean }): Promise<AcceptedResponse>
}

const attempts = 10
const defaultBackOff: BackOff = { firstMs: 250, mostMs: 5_000 }

export function createGatewayLabels(gatewayUrl: string, backOff = defaultBackOff): GatewayLabels {
  function ask<Answer>({ send, answer }: Question<Answer>): Promise<Answer> {
    return retry(async () => answer.parse(await callGateway(gatewayUrl, '/v1/labels', send)), { backOff, attempts })
  }

  return {
    async definitions() {
      const { labels } = await ask({ answer: labelList })
      return new Map(labels.map((definition) => [definition.name, definition]))
    },
    post(labels, { dryRun }) {
      const body = { labels, ...(dryRun && { dry_run: true }) }
      return ask({ send: { method: 'POST', body }, answer: acceptedResponse })
    },
  }
}

/** A question to the gateway: what is sent, if anything, and what a good answer is. */
type Question<Answer> = { send?: { method: 'POST'; body: unknown }; answer: z.ZodType<Answer> }
