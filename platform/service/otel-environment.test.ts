import { describe, expect, test } from 'vitest'
import { readOtelEnvironment } from './otel-environment.ts'

const endpoint = 'http://127.0.0.1:4318'
const json = { protocol: 'http/json' }
const protobuf = { protocol: 'http/protobuf' }
const both = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }

test.each<[string, Record<string, string>, { protocol: string } | undefined, { protocol: string } | undefined]>([
  ['nothing', {}, undefined, undefined],
  ['an endpoint for both', both, json, json],
  ['an endpoint that is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, undefined, undefined],
  ['an endpoint for traces alone', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint }, json, undefined],
  ['an endpoint for metrics alone', { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: endpoint }, undefined, json],
  ['no traces', { ...both, OTEL_TRACES_EXPORTER: 'none' }, undefined, json],
  ['no metrics', { ...both, OTEL_METRICS_EXPORTER: ' None ' }, json, undefined],
  ['otlp said, where the SDK knows where to', { OTEL_TRACES_EXPORTER: 'otlp' }, json, undefined],
  ['metrics that are fetched', { ...both, OTEL_METRICS_EXPORTER: 'prometheus' }, json, undefined],
  ['metrics that are fetched and sent', { ...both, OTEL_METRICS_EXPORTER: 'otlp,prometheus' }, json, json],
  ['an SDK that is off', { ...both, OTEL_SDK_DISABLED: 'true' }, undefined, undefined],
  ['an SDK that is off, in capitals', { ...both, OTEL_TRACES_EXPORTER: 'otlp', OTEL_SDK_DISABLED: 'TRUE' }, undefined, undefined],
  ['an SDK that is on', { ...both, OTEL_SDK_DISABLED: 'false' }, json, json],
  ['protobuf', { ...both, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }, protobuf, protobuf],
  ['protobuf for metrics', { ...both, OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/protobuf' }, json, protobuf],
  [
    'a protocol of its own for traces',
    { ...both, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
    json,
    protobuf,
  ],
])('sends as asked, without a word: %s', (_, env, traces, metrics) => {
  const read = readOtelEnvironment(env)
  expect(read.notes).toEqual([])
  expect(read.traces).toEqual(traces)
  expect(read.metrics).toEqual(metrics && { ...metrics, intervalMs: 60_000, timeoutMs: 30_000 })
})

describe('what is not done', () => {
  test.each<[Record<string, string>, RegExp[], boolean, boolean]>([
    [
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      [/PROTOCOL: grpc.*traces are not sent/, /PROTOCOL: grpc.*metrics are not sent/],
      false,
      false,
    ],
    [{ OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc' }, [/TRACES_PROTOCOL: grpc.*http\/json and http\/protobuf/], false, true],
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, [/^OTEL_TRACES_EXPORTER: zipkin.*traces are not sent$/], false, true],
    [{ OTEL_TRACES_EXPORTER: 'otlp, console' }, [/^OTEL_TRACES_EXPORTER: console is not done, only otlp and none$/], true, true],
    [{ OTEL_METRICS_EXPORTER: 'console' }, [/^OTEL_METRICS_EXPORTER: console.*metrics are not sent$/], true, false],
    [{ OTEL_SDK_DISABLED: '1' }, [/^OTEL_SDK_DISABLED: neither/], true, true],
    [{ OTEL_PROPAGATORS: 'b3,tracecontext' }, [/^OTEL_PROPAGATORS: b3 is not done/], true, true],
    [{ OTEL_PROPAGATORS: 'none' }, [/^OTEL_PROPAGATORS: none is not done/], true, true],
    [{ OTEL_METRIC_EXPORT_INTERVAL: '10s' }, [/^OTEL_METRIC_EXPORT_INTERVAL: .*60000/], true, true],
    [{ OTEL_METRIC_EXPORT_INTERVAL: '0' }, [/^OTEL_METRIC_EXPORT_INTERVAL/], true, true],
    [{ OTEL_METRIC_EXPORT_TIMEOUT: '-1' }, [/^OTEL_METRIC_EXPORT_TIMEOUT: .*30000/], true, true],
    [{ OTEL_METRIC_EXPORT_INTERVAL: '99999999999' }, [/^OTEL_METRIC_EXPORT_INTERVAL/], true, true],
  ])('is said in one line each: %j', (env, notes, traces, metrics) => {
    const read = readOtelEnvironment({ ...both, ...env })
    expect(read.notes).toEqual(notes.map((note) => expect.stringMatching(note) as string))
    expect([read.traces !== undefined, read.metrics !== undefined]).toEqual([traces, metrics])
  })
})

test('an export of metrics never takes longer than the time to the next', () => {
  expect(readOtelEnvironment({ ...both, OTEL_METRIC_EXPORT_INTERVAL: '500' }).metrics).toMatchObject({ intervalMs: 500, timeoutMs: 500 })
  const shorter = { ...both, OTEL_METRIC_EXPORT_INTERVAL: '500', OTEL_METRIC_EXPORT_TIMEOUT: '100' }
  expect(readOtelEnvironment(shorter).metrics).toMatchObject({ intervalMs: 500, timeoutMs: 100 })
})
