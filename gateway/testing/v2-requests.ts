import { predictionEventV1 } from '../../contracts/prediction-event.ts'
import { v2Error } from '../../contracts/v2.ts'
import { createTestGateway } from './test-gateway.ts'

export const path = '/v2/models/parcel-delay/infer'
export const parameters = { anchor: 'sent' }
export const x = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [30, 45] }
export const good = { id: 'r-1', parameters, inputs: [x] }

export type Gateway = Awaited<ReturnType<typeof createTestGateway>>

export async function start(options: Parameters<typeof createTestGateway>[0] = {}): Promise<Gateway> {
  // The latency budget is long, for a busy machine is no slow model.
  const gateway = await createTestGateway({ definition: { latency_budget_ms: 15_000 }, ...options })
  gateway.engine.runs.length = 0
  return gateway
}

export async function eventsOf(gateway: Gateway, route?: string) {
  await gateway.background.settled()
  const events = gateway.log.inLane('predictions').map(({ body }) => predictionEventV1.parse(body))
  return route === undefined ? events : events.filter((event) => event.route === route)
}

export const errorOf = async (response: Response) => v2Error.strict().parse(await response.json()).error

/** The body of JSON with tensors in binary form behind it. */
export function withBinary(request: object, ...parts: ArrayBufferView[]): { body: Uint8Array; headers: Record<string, string> } {
  const json = Buffer.from(JSON.stringify(request))
  const bytes = parts.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength))
  return {
    body: Buffer.concat([json, ...bytes]),
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(json.byteLength) },
  }
}
