import type { Evaluation, EvaluationGroup, Metric } from './evaluation.ts'

/** The evaluation as text: a block per group, with its counts, and each metric with interval, count and coverage. */
export function toEvaluationText(evaluation: Evaluation): string {
  const { model, label, as_of, open_lanes: openLanes = [], anchor_from, anchor_to, tags, groups } = evaluation
  const bounds = [
    anchor_from === undefined ? '' : ` from ${anchor_from}`,
    anchor_to === undefined ? '' : ` to ${anchor_to}`,
    tags === undefined ? '' : ` tagged ${tags.join(' or ')}`,
  ].join('')
  const clock = as_of === undefined ? `known as of ${evaluation.known_as_of}` : `as of ${as_of}`
  const provisional = openLanes.length === 0 ? '' : `; provisional, ${openLanes.join(', ')} may still add to it`
  const head = `${model} by ${label}, ${clock}${provisional}${bounds === '' ? '' : `; anchors${bounds}`}`
  if (groups.length === 0) return `${head}\n\n${as_of === undefined ? 'No predictions.' : nothingRecorded}`
  const percent = Math.round(evaluation.confidence_level * 100)
  return [`${head}; intervals of ${percent} %`, ...groups.map(toGroupText)].join('\n\n')
}

const nothingRecorded = 'No predictions had been recorded by then; --known-as-of tells what is known about that time today.'

function toGroupText(group: EvaluationGroup): string {
  const { predictions, unanswered, repeated, errors, immature, ...states } = group.counts
  const counted = Object.entries({ ...states, errors, immature }).filter(([, count]) => count > 0)
  const leftOut = Object.entries({ unanswered, repeated }).filter(([, count]) => count > 0)
  const rows = group.metrics.map((metric) => `  ${toMetricText(metric)}`)
  return [
    titleOf(group),
    `  ${[`${predictions} predictions`, ...counted.map(toCountText)].join(', ')}`,
    ...(leftOut.length === 0 ? [] : [`  left out: ${leftOut.map(toCountText).join(', ')}`]),
    ...rows,
  ].join('\n')
}

function toCountText([name, count]: [string, number]): string {
  return `${count} ${name}`
}

function titleOf({ model_version, route, anchor, day }: EvaluationGroup): string {
  return [model_version === undefined ? '' : `version ${model_version}`, route ?? '', `anchor ${anchor}`, day ?? '']
    .filter((part) => part !== '')
    .join(', ')
}

function toMetricText({ name, class: ofClass, value, lower, upper, n, coverage, method, ...clustering }: Metric): string {
  const figure = value === undefined ? 'undefined' : format(value)
  const interval = lower === undefined && upper === undefined ? '' : `[${ends(lower)}, ${ends(upper)}]`
  const share = coverage === undefined ? '' : `, coverage ${(coverage * 100).toFixed(1)} %`
  const why = noInterval[method] === undefined ? '' : `, ${noInterval[method]}`
  return `${(ofClass === undefined ? name : `${name} of ${ofClass}`).padEnd(16)} ${figure.padStart(9)}  ${interval.padEnd(20)}  n ${n}${share}${why}${clusteringText(clustering)}`
}

function clusteringText({ clustered_by: by, clusters, scope }: Pick<Metric, 'clustered_by' | 'clusters' | 'scope'>): string {
  if (by === undefined || by === 'rows') return scope === 'these_days' ? ', for these days only' : ''
  return `, by ${by.replaceAll('_', ' ')} (${clusters})${scope === 'these_days' ? ', for these days only' : ''}`
}

/** Why a metric has no interval, where that needs words: too few rows explain themselves by their number. */
const noInterval: Partial<Record<Metric['method'], string>> = {
  too_few_clusters: 'too few clusters for an interval',
  too_near_the_limit: 'no interval so near the limit',
  not_computed: 'no interval that would hold',
  overflow: 'values too large to compute with',
}

function ends(value: number | undefined): string {
  return value === undefined ? '?' : format(value)
}

function format(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(4)
}
