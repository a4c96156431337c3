import type { PredictResponse } from '../../contracts/http.ts'
import { flightRequest, landedFlight } from './flight-requests.ts'
import { postJson } from './http.ts'

/** The load that was sent under a prefix, and its outcome. */
export type Load = {
  prefix: string
  attempted: Set<string>
  /** The prediction id of each answered request, by its request id. */
  answered: Map<string, string>
  /** The ids of the feature events that were accepted. */
  accepted: Set<string>
  /** The reasons why requests were not answered. */
  failures: string[]
  stop(): Promise<void>
}

/** The most requests under way: what a machine that stands still for a while leaves behind is no load, and a gateway would rightly refuse a part of it. */
const mostUnderWay = 50

/**
 * Sends predictions at a fixed rate, and a feature event with every tenth, whether or not those before are answered, as long as not too
 * many are under way; each is sent once. Against a patient project, a stall of the machine is no failure of the gateway.
 */
export function startOpenLoop(options: { url: () => string; prefix: string; perSecond: number }): Load {
  const { url, prefix, perSecond } = options
  const load = {
    prefix,
    attempted: new Set<string>(),
    answered: new Map<string, string>(),
    accepted: new Set<string>(),
    failures: [] as string[],
  }
  const underWay = new Set<Promise<void>>()
  let lastMs = performance.now()
  let due = 0
  let sent = 0

  const timer = setInterval(() => {
    const nowMs = performance.now()
    due = Math.min(due + ((nowMs - lastMs) / 1000) * perSecond, mostUnderWay)
    lastMs = nowMs
    for (; due >= 1 && underWay.size < mostUnderWay; due -= 1) {
      track(predict(sent))
      if (sent % 10 === 0) track(land(sent))
      sent += 1
    }
  }, 10)

  function track(work: Promise<void>): void {
    const settled = work.catch((error: unknown) => void load.failures.push(String(error))).finally(() => underWay.delete(settled))
    underWay.add(settled)
  }

  async function predict(index: number): Promise<void> {
    const request = flightRequest(index, prefix)
    load.attempted.add(request.request_id)
    const { status, body } = await postJson<PredictResponse>(`${url()}/v1/models/flight-delay/predict`, request)
    if (status === 200) load.answered.set(request.request_id, body.prediction_id)
    else load.failures.push(`${status} ${JSON.stringify(body)}`)
  }

  async function land(index: number): Promise<void> {
    const event = { ...landedFlight(index), event_id: `${prefix}-landed-${index}` }
    const { status, body } = await postJson(`${url()}/v1/events/flight_landed`, event)
    if (status === 202) load.accepted.add(event.event_id)
    else load.failures.push(`${status} ${JSON.stringify(body)}`)
  }

  return {
    ...load,
    async stop() {
      clearInterval(timer)
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}
