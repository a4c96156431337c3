import { toTable } from '../../platform/command/output.ts'
import type { Estimate } from '../metrics/estimate.ts'
import type { ArrayMetric, FileEvaluation } from './evaluate-file.ts'

/** The figures of a file as text: each metric with its interval and how that came about, then the tables. */
export function toFileEvaluationText(
  file: string,
  { rows, zero_weight: zeroWeight, confidence_level: level, metrics, tables }: FileEvaluation,
): string {
  const head = `${file}: ${rows} rows${zeroWeight === 0 ? '' : `, ${zeroWeight} of weight 0 left out`}; intervals of ${Math.round(level * 100)} %`
  const parts = [
    toTable([['metric', 'value', 'interval', 'n', 'interval by'], ...metrics.map(toMetricRow)]),
    section('calibration', tables.calibration),
    section('calibration of the likeliest class', tables.top_class_calibration),
    section('confusion at the threshold', tables.confusion === undefined ? [] : [tables.confusion]),
    section('confusion', tables.class_confusion?.slice(0, 100)),
    section('thresholds', tables.thresholds),
    section('lift', tables.lift),
  ]
  return [head, ...parts.filter((part) => part !== '')].join('\n\n')
}

function toMetricRow({ name, class: ofClass, value, lower, upper, n, ...how }: ArrayMetric): string[] {
  const interval = lower === undefined && upper === undefined ? '' : `[${format(lower)}, ${format(upper)}]`
  return [
    ofClass === undefined ? name : `${name} of ${ofClass}`,
    value === undefined ? 'undefined' : format(value),
    interval,
    `${n}`,
    toMethod(how),
  ]
}

function toMethod({ method, clustered_by: by, clusters, scope }: Omit<Estimate, 'n'>): string {
  if (by === undefined) return method
  const dimensions = { rows: 'independent rows', day: 'day', entity: 'entity', entity_and_day: 'entity and day' }[by]
  return `${method}, ${by === 'rows' ? dimensions : `by ${dimensions}, ${clusters} clusters`}${scope === 'these_days' ? ', for these days only' : ''}`
}

function section(title: string, records: readonly object[] | undefined): string {
  const [first] = records ?? []
  if (records === undefined || first === undefined) return ''
  const names = [...new Set(records.flatMap(Object.keys))]
  const cells = records.map((record) => names.map((name) => toCell((record as Record<string, unknown>)[name])))
  return `${title}\n${toTable([names, ...cells])}`
}

function toCell(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}` : format(value)
  return typeof value === 'string' ? value : value === true ? 'yes' : ''
}

function format(value: number | undefined): string {
  if (value === undefined) return '?'
  return Math.abs(value) >= 1e-4 && Math.abs(value) < 1e6 ? value.toFixed(4) : value === 0 ? '0' : value.toPrecision(5)
}
