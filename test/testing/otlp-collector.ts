import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'

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

type Resource = { attributes: Attribute[] }
type OtlpTraces = { resourceSpans: { resource: Resource; scopeSpans: { spans: OtlpSpan[] }[] }[] }
type OtlpMetrics = { resourceMetrics: { resource: Resource }[] }

/** A request as it came; `resource` names who sent it, where it came in JSON. */
export type OtlpRequest = { path: string; headers: IncomingHttpHeaders; resource: Record<string, string | undefined> }

export type OtlpCollector = {
  url: string
  requests: OtlpRequest[]
  /** The spans that have been sent, each with the service that sent it. */
  spans: (OtlpSpan & { service: string })[]
  /** Names of the metrics that have been sent. */
  metrics: Set<string>
  close(): Promise<void>
}

/** Takes what services send by OTLP over HTTP; looks into what is JSON. */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  const requests: OtlpRequest[] = []
  const spans: OtlpCollector['spans'] = []
  const metrics = new Set<string>()

  async function take(request: IncomingMessage): Promise<void> {
    const { url: path = '', headers } = request
    const sent = await buffer(request)
    const isJson = headers['content-type'] === 'application/json'
    const text = String(headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent)
    const body = (isJson ? JSON.parse(text) : {}) as Partial<OtlpTraces & OtlpMetrics>
    const [sender] = body.resourceSpans ?? body.resourceMetrics ?? []
    requests.push({ path, headers, resource: Object.fromEntries(sender?.resource.attributes.map(toEntry) ?? []) })
    spans.push(...(body.resourceSpans ?? []).flatMap(toSpans))
    if (body.resourceMetrics !== undefined) for (const [, name = ''] of text.matchAll(/"name":"(\w+)"/g)) metrics.add(name)
  }

  const server = createServer((request, response) => {
    void take(request).then(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    spans,
    metrics,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function toEntry({ key, value }: Attribute): [string, string | undefined] {
  return [key, value.stringValue]
}

function toSpans({ resource, scopeSpans }: OtlpTraces['resourceSpans'][number]): OtlpCollector['spans'] {
  const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? ''
  return scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service })))
}
