import { clusterRoles, type ModelDefinition, scoreOf } from '../../contracts/model-definition.ts'
import { classSample } from '../metrics/classes.ts'
import { clusteredRows, type Dependence, independentRows, toClusters } from '../metrics/dependence.ts'
import { proportionEstimate } from '../metrics/proportion.ts'
import { binaryMetrics } from '../metrics/reports/binary.ts'
import { multiclassMetrics } from '../metrics/reports/classes.ts'
import type { Named } from '../metrics/reports/named.ts'
import { regressionMetrics } from '../metrics/reports/regression.ts'
import { binarySample, regressionSample } from '../metrics/sample.ts'
import type { CollectedGroup, Judged } from './collect-groups.ts'
import type { Metric } from './evaluation.ts'

/** The threshold that precision and recall are taken at: the model's own, if it decides by the score. */
export function thresholdOf({ decision, score }: ModelDefinition): number | undefined {
  return decision?.output === score ? decision.threshold : undefined
}

/** The group's metrics by the model's task, after `label_coverage`: known outcomes as a share of its predictions. */
export function metricsOf(model: ModelDefinition, { counts, judged }: CollectedGroup): Metric[] {
  const scored = counts.predictions - counts.errors
  const n = judged.scores.length + judged.scoreTexts.length
  const coverage = scored === 0 ? {} : { coverage: n / scored }
  const metrics = taskMetrics(model, judged).map(([name, estimate, ofClass]): Metric => ({
    name,
    ...(ofClass !== undefined && { class: ofClass }),
    ...estimate,
    ...coverage,
  }))
  const known = proportionEstimate(counts.labeled + counts.negative, counts.predictions)
  return [{ name: 'label_coverage', ...known, ...(known.value !== undefined && { coverage: known.value }) }, ...metrics]
}

function taskMetrics(model: ModelDefinition, judged: Judged): readonly Named[] {
  if (model.task === 'multiclass_classification') return classMetricsOf(model, judged)
  const order = inOrder(judged.scores, judged.outcomes)
  const scores = pick(judged.scores, order)
  const outcomes = pick(judged.outcomes, order)
  const dependence = dependenceOf(model, judged, order)
  if (model.task === 'regression')
    return regressionMetrics(regressionSample({ predicted: scores, observed: outcomes }, dependence), model.evaluation?.quantile)
  const sample = binarySample({ scores, outcomes: Uint8Array.from(outcomes) }, dependence)
  const threshold = thresholdOf(model)
  return binaryMetrics(sample, { threshold, costs: model.decision?.costs })
}

function classMetricsOf(model: ModelDefinition, judged: Judged): readonly Named[] {
  const score = scoreOf(model)
  const { scoreTexts, outcomeTexts, likelihoods, likeliest } = judged
  const order = inOrder(scoreTexts, outcomeTexts, likelihoods, likeliest.probabilities)
  const texts = (values: readonly string[]) => Array.from(order, (row) => values[row] ?? '')
  const sample = classSample({ predicted: texts(scoreTexts), observed: texts(outcomeTexts) }, dependenceOf(model, judged, order))
  if (score.kind !== 'class' || score.probabilities === undefined) return multiclassMetrics(sample)
  const probabilities = pick(likeliest.probabilities, order)
  const isObserved = Uint8Array.from(pick(likeliest.isObserved, order))
  return multiclassMetrics(sample, { ofObserved: pick(likelihoods, order), likeliest: { probabilities, isObserved } })
}

/** Row numbers by their values: rows arrive in any order, and the same rows must give the same figures to the last bit. */
function inOrder(...columns: readonly (readonly (number | string)[])[]): Uint32Array {
  const rows = Uint32Array.from({ length: columns[0]?.length ?? 0 }, (_, row) => row)
  return rows.sort((a, b) => {
    for (const column of columns) {
      const [left = 0, right = 0] = [column[a], column[b]]
      if (left !== right && !(Number.isNaN(left) && Number.isNaN(right))) return left < right ? -1 : 1
    }
    return 0
  })
}

function pick(values: readonly number[], order: Uint32Array): Float64Array {
  return Float64Array.from(order, (row) => values[row] ?? 0)
}

/** How the rows depend on each other, as the model declares: by the entities of its roles and by the day. */
function dependenceOf(model: ModelDefinition, { days, clusters }: Judged, order: Uint32Array): Dependence {
  const roles = clusterRoles(model)
  if (roles === undefined) return independentRows(order.length)
  const entities = roles.map((_, at) => toClusters(Array.from(order, (row) => clusters[row]?.[at] || undefined)))
  return clusteredRows({ entities, days: toClusters(Array.from(order, (row) => days[row])), n: order.length })
}
