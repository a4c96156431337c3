import { setTimeout as sleep } from 'node:timers/promises'
import { type ErrorCode, errorCodes, ServiceError } from '../../contracts/errors.ts'
import { acceptedResponse, type AcceptedResponse, errorBody } from '../../contracts/http.ts'

export type ItemsRequest = { kind: 'label' | 'feature_event'; name: string; items: readonly object[]; dryRun: boolean }

/** The gateway judged each item, or refused the request whole. */
export type ItemsAnswer = { rejected: AcceptedResponse['rejected'] } | { refused: { code: string; message: string; path?: string } }

/** Sends labels or events as any client would. Throws what a later try may cure, and a key that is refused. */
export type PostItems = (request: ItemsRequest) => Promise<ItemsAnswer>

/** Long enough for a limit that is counted by the second to let more in. */
const pausesMs = [250, 1_000, 2_000]

export function createPostItems(options: { gatewayUrl: string; apiKey: string | undefined }): PostItems {
  const { gatewayUrl, apiKey } = options
  const headers = { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) }

  async function post({ kind, name, items, dryRun }: ItemsRequest): Promise<ItemsAnswer> {
    const [path, field] = kind === 'label' ? ['/v1/labels', 'labels'] : [`/v1/events/${encodeURIComponent(name)}`, 'events']
    const body = JSON.stringify({ [field]: items, dry_run: dryRun })
    const response = await fetch(new URL(path, gatewayUrl), { method: 'POST', headers, body }).catch((cause: unknown) => {
      throw new ServiceError('not_ready', `no gateway answers at ${gatewayUrl}`, { cause, hint: 'start it with `npx hindsight up`' })
    })
    const answer: unknown = await response.json()
    if (response.ok) return { rejected: acceptedResponse.parse(answer).rejected }
    const { code, message, path: at } = errorBody.parse(answer).error
    if (errorCodes[code].retryable || notTheItems.has(code)) throw new ServiceError(code, message)
    return { refused: { code, message, ...(at !== undefined && { path: at }) } }
  }

  return async function postItems(request) {
    for (let attempt = 0; ; attempt++) {
      try {
        return await post(request)
      } catch (error) {
        const pauseMs = pausesMs[attempt]
        if (pauseMs === undefined || !(error instanceof ServiceError && error.retryable)) throw error
        await sleep(pauseMs)
      }
    }
  }
}

const notTheItems: ReadonlySet<ErrorCode> = new Set([
  'unauthorized',
  'forbidden',
  'not_found',
  'method_not_allowed',
  'unsupported_media_type',
])
