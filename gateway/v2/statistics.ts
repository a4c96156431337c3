import type { V2ModelStatistics } from '../../contracts/v2.ts'
import type { GatewayMetrics, Stage } from '../metrics/gateway-metrics.ts'

/** The stages that add up to the total. */
type MeasuredStage = Exclude<Stage, 'total'>

type Duration = { count: number; ns: number }
type VersionCounts = { rows: number; lastAtMs: number; success: Duration; fail: Duration; stages: Record<MeasuredStage, Duration> }

/** What each version has done since the start, for clients that ask for it in the protocol's form instead of Prometheus's. */
export type Statistics = {
  /** Metrics that pass on what they are told, and count it for the statistics too. */
  watch(metrics: GatewayMetrics): GatewayMetrics
  of(model: string, versions: Iterable<string>): V2ModelStatistics
}

export function createStatistics(deps: { now: () => number }): Statistics {
  const counted = new Map<string, VersionCounts>()

  function entry({ model, version }: { model: string; version: string }): VersionCounts {
    const key = `${model}/${version}`
    const known = counted.get(key)
    if (known !== undefined) return known
    const fresh = nothingCounted()
    counted.set(key, fresh)
    return fresh
  }

  return {
    watch: (metrics) => ({
      ...metrics,
      stage(labels, elapsedMs) {
        metrics.stage(labels, elapsedMs)
        if (labels.stage !== 'total') add(entry(labels).stages[labels.stage], 1, elapsedMs)
      },
      prediction(labels, count) {
        metrics.prediction(labels, count)
        const one = entry(labels)
        one.rows += count
        one.lastAtMs = deps.now()
        add(labels.status === 'error' ? one.fail : one.success, count, 0)
      },
    }),
    of: (model, versions) => ({ model_stats: [...versions].map((version) => toStatistics(model, version, entry({ model, version }))) }),
  }
}

function nothingCounted(): VersionCounts {
  const none = (): Duration => ({ count: 0, ns: 0 })
  const stages = { features: none(), queue: none(), inference: none(), outbox: none() }
  return { rows: 0, lastAtMs: 0, success: none(), fail: none(), stages }
}

function add(duration: Duration, count: number, elapsedMs: number): void {
  duration.count += count
  duration.ns += Math.round(elapsedMs * 1e6)
}

function toStatistics(
  model: string,
  version: string,
  { rows, lastAtMs, success, fail, stages }: VersionCounts,
): V2ModelStatistics['model_stats'][number] {
  const ns = Object.values(stages).reduce((sum, stage) => sum + stage.ns, 0)
  return {
    name: model,
    version,
    last_inference: lastAtMs,
    inference_count: rows,
    execution_count: stages.inference.count,
    inference_stats: {
      success: { ...success, ns },
      fail: { ...fail },
      queue: { ...stages.queue },
      compute_input: { ...stages.features },
      compute_infer: { ...stages.inference },
      compute_output: { ...stages.outbox },
    },
    batch_stats: [],
  }
}
