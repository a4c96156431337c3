import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type OtlpCollector, startOtlpCollector } from '../../test/testing/otlp-collector.ts'
import { startTelemetry } from './telemetry-opentelemetry.ts'

let collector: OtlpCollector
let other: OtlpCollector
let warnings: string[]

beforeEach(async () => {
  collector = await startOtlpCollector()
  other = await startOtlpCollector()
  warnings = []
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all([collector.close(), other.close()])
})

/** A process that makes a span and a metric, and ends: what has not been sent by then is sent then. */
async function runWith(env: Record<string, string>, spans = 1): Promise<void> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  const { tracing, instruments, shutdown } = await startTelemetry({ service: 'gateway', warn: (message) => warnings.push(message) })
  instruments.counter({ name: 'tries_total', description: '' })()
  for (let count = 0; count < spans; count++) tracing?.start('try', {}).end()
  await shutdown()
}

const endpoint = () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
const sent = ({ requests }: OtlpCollector = collector) => [...new Set(requests.map(({ path }) => path))].toSorted()
const resources = () => collector.requests.map(({ resource }) => resource)

describe("OpenTelemetry's variables", () => {
  test('with an endpoint traces and metrics are sent, under our own name', async () => {
    await runWith(endpoint())
    expect(sent()).toEqual(['/v1/metrics', '/v1/traces'])
    for (const resource of resources())
      expect(resource).toMatchObject({ 'service.name': 'hindsight-gateway', 'hindsight.service': 'gateway' })
    expect([collector.spans.map(({ name }) => name), collector.metrics.has('tries_total')]).toEqual([['try'], true])
    expect(warnings).toEqual([])
  })

  test.each<[string, Record<string, string>, string[]]>([
    ['OTEL_SDK_DISABLED', { OTEL_SDK_DISABLED: 'true' }, []],
    ['OTEL_TRACES_EXPORTER', { OTEL_TRACES_EXPORTER: 'none' }, ['/v1/metrics']],
    ['OTEL_METRICS_EXPORTER', { OTEL_METRICS_EXPORTER: 'none' }, ['/v1/traces']],
    ['both', { OTEL_METRICS_EXPORTER: 'none', OTEL_TRACES_EXPORTER: 'none' }, []],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, []],
  ])('what is turned off by %s is not sent', async (_, env, paths) => {
    await runWith({ ...endpoint(), ...env })
    expect(sent()).toEqual(paths)
    expect(warnings).toHaveLength(env['OTEL_EXPORTER_OTLP_PROTOCOL'] === undefined ? 0 : 2)
  })

  test('each signal goes to its own endpoint, whose path is taken as it is', async () => {
    await runWith({ ...endpoint(), OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${other.url}/push` })
    expect([sent(collector), sent(other)]).toEqual([['/v1/traces'], ['/push']])
  })

  test('one signal may have an endpoint where the other has none', async () => {
    await runWith({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces` })
    expect(sent()).toEqual(['/v1/traces'])
  })

  test('the path of the common endpoint is kept', async () => {
    await runWith({ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/otlp/` })
    expect(sent()).toEqual(['/otlp/v1/metrics', '/otlp/v1/traces'])
  })

  test('name and attributes are as they are set, the name before the attribute', async () => {
    const attributes = 'deployment.environment=prod,service.name=other,team=a%2Cb'
    await runWith({ ...endpoint(), OTEL_SERVICE_NAME: 'checkout', OTEL_RESOURCE_ATTRIBUTES: attributes })
    for (const resource of resources())
      expect(resource).toMatchObject({
        'service.name': 'checkout',
        'deployment.environment': 'prod',
        team: 'a,b',
        'hindsight.service': 'gateway',
      })
    expect(collector.spans[0]?.service).toBe('checkout')
  })

  test('the name may be an attribute', async () => {
    await runWith({ ...endpoint(), OTEL_RESOURCE_ATTRIBUTES: 'service.name=shop' })
    expect(resources().map((resource) => resource['service.name'])).toEqual(['shop', 'shop'])
  })

  test('malformed attributes are left out, and that is said', async () => {
    await runWith({ ...endpoint(), OTEL_RESOURCE_ATTRIBUTES: 'team=a,environment' })
    expect(resources()[0]).not.toHaveProperty('team')
    expect(warnings).toEqual(['OTEL_RESOURCE_ATTRIBUTES: malformed, and so none of it is taken'])
  })

  test('headers go to both, and those of a signal to it alone', async () => {
    const own = { OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-team=traces' }
    await runWith({ ...endpoint(), OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20t,x-team=all', ...own })
    const headers = collector.requests.map((request) => [request.path, [request.headers['authorization'], request.headers['x-team']]])
    expect(Object.fromEntries(headers)).toEqual({ '/v1/metrics': ['Bearer t', 'all'], '/v1/traces': ['Bearer t', 'traces'] })
  })

  test('protocol and compression are as they are set', async () => {
    const env = { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf', OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: 'gzip' }
    await runWith({ ...endpoint(), ...env })
    const types = collector.requests.map(({ path, headers }) => [path, [headers['content-type'], headers['content-encoding']]])
    const asSet = { '/v1/metrics': ['application/json', 'gzip'], '/v1/traces': ['application/x-protobuf', undefined] }
    expect(Object.fromEntries(types)).toEqual(asSet)
    expect(collector.metrics.has('tries_total')).toBe(true)
  })

  test.each<[Record<string, string>, (spans: number) => boolean]>([
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, (spans) => spans === 0],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, (spans) => spans === 0],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' }, (spans) => spans > 100 && spans < 300],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, (spans) => spans === 400],
  ])('the sampler is %j', async (env, fits) => {
    await runWith({ ...endpoint(), ...env }, 400)
    expect(collector.spans.length).toSatisfy(fits)
  })

  test('a sampler that the SDK does not have is said, and everything is sampled', async () => {
    await runWith({ ...endpoint(), OTEL_TRACES_SAMPLER: 'xray' })
    expect(collector.spans).toHaveLength(1)
    expect(warnings).toEqual([expect.stringContaining('xray')])
  })

  test('spans are sent in batches of the size that is set', async () => {
    await runWith({ ...endpoint(), OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10', OTEL_METRICS_EXPORTER: 'none' }, 25)
    expect([collector.spans.length, collector.requests.length]).toEqual([25, 3])
  })

  test('metrics are sent each time that the interval is over', async () => {
    vi.stubEnv('OTEL_METRIC_EXPORT_INTERVAL', '20')
    vi.stubEnv('OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', `${collector.url}/v1/metrics`)
    const { shutdown } = await startTelemetry({ service: 'gateway' })
    await expect.poll(() => collector.requests.length).toBeGreaterThan(3)
    await shutdown()
  })

  test('what a collector refuses is said', async () => {
    await collector.close()
    await runWith({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`, OTEL_EXPORTER_OTLP_TIMEOUT: '50' })
    expect(warnings.length).toBeGreaterThan(0)
    collector = other
    other = await startOtlpCollector()
  })
})
