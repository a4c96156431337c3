import { type ErrorCode, ServiceError } from '../../contracts/errors.ts'
import { acceptedResponse, type AcceptedResponse } from '../../contracts/http.ts'
import { callGateway } from '../../platform/command/call-gateway.ts'
import { retry } from '../../platform/service/retry.ts'

export type ItemsRequest = { kind: 'label' | 'feature_event'; name: string; items: readonly object[]; dryRun: boolean }

/** The gateway's answer: it judged each item, or refused the request whole. */
export type ItemsAnswer = { rejected: AcceptedResponse['rejected'] } | { refused: { code: string; message: string; path?: string } }

/** Sends labels or events as any client would. Throws what a later try may cure, and a key that is refused. */
export type PostItems = (request: ItemsRequest) => Promise<ItemsAnswer>

/** The pauses between attempts, long enough for a limit that is counted by the second to let more in. */
const backOff = { firstMs: 500, mostMs: 2_000 }

/** Posts to the gateway at this address, again for a few seconds where that may help. */
export async function postItems(gatewayUrl: string, request: ItemsRequest): Promise<ItemsAnswer> {
  return retry(() => postOnce(gatewayUrl, request), { backOff, attempts: 4 })
}

async function postOnce(gatewayUrl: string, { kind, name, items, dryRun }: ItemsRequest): Promise<ItemsAnswer> {
  const [path, field] = kind === 'label' ? ['/v1/labels', 'labels'] : [`/v1/events/${encodeURIComponent(name)}`, 'events']
  try {
    const answer = await callGateway(gatewayUrl, path, { method: 'POST', body: { [field]: items, dry_run: dryRun } })
    return { rejected: acceptedResponse.parse(answer).rejected }
  } catch (error) {
    if (!(error instanceof ServiceError) || error.retryable || notTheItems.has(error.code)) throw error
    return { refused: { code: error.code, message: error.message, ...(error.path !== undefined && { path: error.path }) } }
  }
}

const notTheItems: ReadonlySet<ErrorCode> = new Set([
  'unauthorized',
  'forbidden',
  'not_found',
  'method_not_allowed',
  'unsupported_media_type',
])
