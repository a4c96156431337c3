import { createFeaturesMetrics } from '../../features/metrics.ts'
import { observeDeployments } from '../../gateway/metrics/deployment-metrics.ts'
import { createGatewayMetrics, observeInFlight } from '../../gateway/metrics/gateway-metrics.ts'
import { observeInference } from '../../gateway/metrics/inference-metrics.ts'
import { createLabelStreamMetrics } from '../../gateway/metrics/label-stream-metrics.ts'
import { observeOutbox } from '../../gateway/metrics/outbox-metrics.ts'
import { observeWorkers } from '../../gateway/workers/workers-metrics.ts'
import { createLoggerMetrics } from '../../logger/metrics.ts'
import type { LaneStatus } from '../../platform/event-log/event-log.ts'
import { createForwarderMetrics } from '../../forwarder/metrics.ts'
import { createDistribution } from '../../platform/service/distribution.ts'
import type { ServiceName } from '../../platform/service/service.ts'
import { startTelemetry, type Telemetry } from '../../platform/service/telemetry-opentelemetry.ts'
import { createWarehouseMetrics } from '../../embedded-warehouse/metrics.ts'

export type Metric = { name: string; kind: string; description: string; labels: string[] }

/** Every metric of every service as Prometheus sees it, after each thing that is counted has happened once. */
export async function renderServiceMetrics(): Promise<Map<ServiceName, Metric[]>> {
  const services = Object.entries(exercises) as [ServiceName, Exercise][]
  return new Map(await Promise.all(services.map(async ([service, exercise]) => [service, await render(service, exercise)] as const)))
}

type Exercise = (telemetry: Pick<Telemetry, 'meter' | 'instruments'>) => void

const exercises: Record<ServiceName, Exercise> = {
  gateway({ instruments }) {
    exerciseGateway(createGatewayMetrics(instruments))
    exerciseLabelStream(createLabelStreamMetrics(instruments, () => ({ waiting: 1, unacknowledged: 1 })))
    observeGateway(instruments)
    observeWorkers(instruments, () => [{ writerId: 'gateway-0', ready: false, restarts: 0 }])
  },
  logger: ({ meter }) => exerciseLogger(createLoggerMetrics(meter)),
  features({ meter }) {
    const metrics = createFeaturesMetrics(meter)
    metrics.onApplied({ facts: 1, passed: 1, malformed: 1 })
    metrics.onGap(1, 'lost')
    metrics.onBatch({ seconds: 1, visibleAfterSeconds: 1 })
  },
  forwarder({ meter }) {
    const metrics = createForwarderMetrics(meter)
    metrics.onPublished('predictions', 'first')
    metrics.onConfirmed('predictions', 1)
    metrics.observe(new Map([['predictions', { state: () => ({ underWay: 1, unconfirmed: 1, spanBytes: 1 }) }]]))
  },
  warehouse: ({ meter }) => createWarehouseMetrics(meter).onFault(),
  labeler: () => undefined,
}

function exerciseGateway(metrics: ReturnType<typeof createGatewayMetrics>): void {
  const labels = { model: 'm', version: '1' }
  metrics.request({ route: '/', method: 'GET', status: 200, code: '' }, 1)
  metrics.prediction({ ...labels, route: 'champion', status: 'ok', code: '' }, 1)
  metrics.stage({ ...labels, stage: 'total' }, 1)
  metrics.storeRead('answered', 1)
  metrics.requestIdReused('m')
  metrics.items({ kind: 'label', outcome: 'accepted' }, 1)
  metrics.idempotent('replayed')
  metrics.labelWarning('known_in_future')
  metrics.labelLookup({ source: 'store', outcome: 'answered' })
  metrics.unanswered({ model: 'm', reason: 'deadline' }, 1)
  metrics.delivered({ model: 'm' }, 1)
}

function exerciseLabelStream(metrics: ReturnType<typeof createLabelStreamMetrics>): void {
  metrics.message('stored')
  metrics.redelivered()
}

function observeGateway(instruments: Telemetry['instruments']): void {
  const batchRows = createDistribution([1])
  const status = { sessionId: 's', queuedRows: 1, running: 1, overdue: 0, batchRows, plan: undefined }
  observeInFlight(instruments, () => ({ requests: 1, background: 1 }))
  observeOutbox(instruments, { eventLog: { status: () => [lane] }, bounds: { maxBytes: 1, maxAgeMs: 1 }, now: () => 1 })
  observeInference(instruments, () => [{ model: 'm', version: '1', status }])
  observeDeployments(instruments, () => [{ model: 'm', revision: 1, unserved: 0, waiting: false }])
}

const lane: LaneStatus = {
  lane: 'predictions',
  writerId: 'w',
  epoch: 1,
  lastSeq: 1,
  durableSeq: 1,
  bytes: 1,
  segments: 1,
  unconfirmed: 1,
  oldestUnconfirmedAtMs: 0,
}

function exerciseLogger(metrics: ReturnType<typeof createLoggerMetrics>): void {
  metrics.onInsert({ table: 'bronze.seals', rows: 1, seconds: 1 })
  metrics.onRetry()
  metrics.onBatch({ settled: [], dispositions: { ok: 1, retry: 0, dead: 1, drop: 0 }, rejects: { invalid_json: 1 } })
  metrics.observeLag({ lag: async () => [{ lane: 'predictions', records: 1, oldestAppendedAtMs: 1 }] })
}

/** Fails when something that the service makes has not been used: it would be missing in what is rendered. */
async function render(service: ServiceName, exercise: Exercise): Promise<Metric[]> {
  const telemetry = await startTelemetry({ service })
  const made: string[] = []
  const meter = new Proxy(telemetry.meter, {
    get(target, property) {
      const of = Reflect.get(target, property) as (...args: unknown[]) => unknown
      return (...args: unknown[]) => {
        if (String(property).startsWith('create')) made.push(String(args[0]))
        return of.apply(target, args)
      }
    },
  })
  exercise({ meter, instruments: telemetry.instruments })
  const metrics = parseMetrics(await telemetry.renderMetrics())
  await telemetry.shutdown()
  const unused = [...made, ...telemetry.instruments.families().map(({ name }) => name)].filter((name) =>
    metrics.every((metric) => metric.name !== name),
  )
  if (unused.length > 0) throw new Error(`${service}: not rendered: ${unused.join(', ')}`)
  return metrics
}

/** The metrics of a text in Prometheus's format. */
export function parseMetrics(text: string): Metric[] {
  const help = new Map([...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name = '', description = '']) => [name, description]))
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', kind = '']) => ({
    name,
    kind,
    description: help.get(name) ?? '',
    labels: labelsOf(text, name),
  }))
}

/** The labels of a metric without `le`, which every histogram has. */
function labelsOf(text: string, name: string): string[] {
  const series = text.matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{(.*)\\} `, 'gm'))
  const names = [...series].flatMap(([, inside = '']) => [...inside.matchAll(/(\w+)="/g)].map(([, label = '']) => label))
  return [...new Set(names)].filter((label) => label !== 'le')
}
