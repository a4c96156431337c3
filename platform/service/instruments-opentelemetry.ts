import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api'
import { AggregationTemporality, DataPointType, type MetricData, type MetricProducer } from '@opentelemetry/sdk-metrics'
import { emptyResource } from '@opentelemetry/resources'
import type { Distribution } from './distribution.ts'
import type { Family, Instruments, Series } from './instruments.ts'

/** The instruments in the form in which OpenTelemetry's readers collect. */
export function createMetricProducer(instruments: Instruments, now: () => number = Date.now): MetricProducer {
  const startTime = toHrTime(now())
  return {
    async collect() {
      const times = { startTime, endTime: toHrTime(now()) }
      const metrics = instruments.families().flatMap((family) => toMetricData(family, times) ?? [])
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope: { name: 'hindsight' }, metrics }] }, errors: [] }
    },
  }
}

type Times = { startTime: HrTime; endTime: HrTime }

function toMetricData(family: Family, times: Times): MetricData | undefined {
  const { name, description, unit, kind } = family
  const series = [...family.read()]
  if (series.length === 0) return undefined
  const common = {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  }
  const points = series.map((one) => ({ ...times, attributes: toAttributes(family, one), value: one.value }))
  if (kind === 'histogram') {
    const dataPoints = points.map((point) => ({ ...point, value: toHistogram(point.value as Distribution) }))
    return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints }
  }
  const dataPoints = points.map((point) => ({ ...point, value: point.value as number }))
  if (kind === 'gauge') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints }
  return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
}

function toAttributes({ labels: names }: Family, { labels }: Series): Attributes {
  return Object.fromEntries(names.map((name, position) => [name, labels[position] ?? '']))
}

/** A copy of the distribution, since what is sent later must not go on counting. */
function toHistogram({ bounds, counts, sum, count }: Distribution) {
  return { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count }
}

function toHrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), (ms % 1000) * 1e6]
}
