import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

type Attribute = { key: string; value: { stringValue?: string } }
type Link = { traceId: string; spanId: string }

/** A span as OTLP's JSON has it. */
export type OtlpSpan = Link & {
  name: string
  parentSpanId?: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  status: { code?: number; message?: string }
  attributes: Attribute[]
  links?: Link[]
}

type OtlpTraces = { resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: OtlpSpan[] }[] }[] }

export type OtlpCollector = {
  url: string
  /** What has been sent, with the service that sent it. */
  spans: (OtlpSpan & { service: string })[]
  /** Names of the metrics that have been sent. */
  metrics: Set<string>
  close(): Promise<void>
}

/** Takes what services send by OTLP over HTTP, in JSON. */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: OtlpCollector['spans'] = []
  const metrics = new Set<string>()

  async function take(request: IncomingMessage): Promise<void> {
    const body = (await json(request)) as OtlpTraces
    if (request.url === '/v1/traces') spans.push(...body.resourceSpans.flatMap(toSpans))
    else for (const [, name = ''] of JSON.stringify(body).matchAll(/"name":"(\w+)"/g)) metrics.add(name)
  }

  const server = createServer((request, response) => {
    void take(request).then(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    metrics,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function toSpans({ resource, scopeSpans }: OtlpTraces['resourceSpans'][number]): OtlpCollector['spans'] {
  const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? ''
  return scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service })))
}
