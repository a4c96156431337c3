import type { Deployment } from '../../contracts/deployment.ts'
import type { LabelDefinition } from '../../contracts/label-definition.ts'
import { type ModelDefinition, type ModelFeature, scoreOf } from '../../contracts/model-definition.ts'
import { type CheckedKind, reportUnknown } from './broken-definitions.ts'
import { type CheckedDefinitions, checkFeatures } from './check-features.ts'
import { derivedInputs } from './derivation-inputs.ts'
import type { Report } from './problems.ts'
import { knownNames } from '../text/known-names.ts'
import { ownEntry } from './own-entry.ts'

type Reports = { report: Report; warn: Report }

const labelTypeOf = { binary_classification: 'binary', regression: 'number', multiclass_classification: 'category' } as const

/** Cross-checks model.yaml with the project's labels, views, sources and lookups. */
export function checkModel(
  model: ModelDefinition,
  project: CheckedDefinitions & { labels: ReadonlyMap<string, LabelDefinition> },
  reports: Reports,
): void {
  const { report } = reports
  checkLabel(model, { known: project.labels, broken: project.broken.labels }, report)
  checkScore(model, project.labels.get(model.primary_label), report)
  checkOutputs(model, report)
  checkEvaluation(model, report)
  checkThreshold(model, report)
  checkConstant(model, report)
  checkFeatures(model, project, reports)
  checkAnchors(model, report)
  const { subject } = model.governance
  if (subject !== undefined && !Object.hasOwn(model.entities, subject))
    report(['governance', 'subject'], `the model has no role "${subject}"`, knownNames(subject, Object.keys(model.entities)))
}

function checkLabel(model: ModelDefinition, labels: CheckedKind<LabelDefinition>, report: Report): void {
  const label = labels.known.get(model.primary_label)
  if (label === undefined) reportUnknown(report, ['primary_label'], model.primary_label, { kind: 'labels', ...labels })
  else if (label.type !== labelTypeOf[model.task])
    report(['primary_label'], `a ${model.task} model is judged by a ${labelTypeOf[model.task]} label, and "${label.name}" is ${label.type}`)
}

/** Checks what a model's score names: one output of its own, or for several classes the one that names the class, and a probability of every category. */
function checkScore(model: ModelDefinition, label: LabelDefinition | undefined, report: Report): void {
  const score = scoreOf(model)
  if (score.kind === 'number') return checkNumber(model, { path: ['score'], name: score.output }, report)
  if (model.task !== 'multiclass_classification')
    return void report(['score'], `names classes, and the task is ${model.task}`, 'name one output')
  const { output, probabilities } = score
  const path = typeof model.score === 'string' ? ['score'] : ['score', 'class']
  if (output !== undefined) findOutput(model, { path, name: output }, report)
  if (output === undefined && probabilities === undefined) report(['score'], 'names neither a class nor probabilities')
  if (probabilities === undefined) return
  for (const [category, name] of Object.entries(probabilities)) {
    checkNumber(model, { path: ['score', 'probabilities', category], name }, report)
    if (label?.categories?.includes(category) === false)
      report(['score', 'probabilities', category], `label "${label.name}" has no such category`, knownNames(category, label.categories))
  }
  for (const category of label?.categories ?? [])
    if (!Object.hasOwn(probabilities, category)) report(['score', 'probabilities'], `category "${category}" of the label is left out`)
}

type NamedOutput = { path: readonly string[]; name: string }

function findOutput(model: ModelDefinition, { path, name }: NamedOutput, report: Report) {
  const output = ownEntry(model.outputs, name)
  if (output === undefined) report(path, `the model has no output "${name}"`, knownNames(name, Object.keys(model.outputs)))
  return output
}

function checkNumber(model: ModelDefinition, named: NamedOutput, report: Report): void {
  if (findOutput(model, named, report)?.type === 'text') report(named.path, `output "${named.name}" is text, and must be a number here`)
}

function checkOutputs(model: ModelDefinition, report: Report): void {
  if (model.decision) checkNumber(model, { path: ['decision', 'output'], name: model.decision.output }, report)
  for (const { name } of model.features)
    if (Object.hasOwn(model.outputs, name)) report(['outputs', name], `"${name}" is a feature too; the typed view needs a column for each`)
}

function checkThreshold({ task, score, decision }: ModelDefinition, report: Report): void {
  if (task !== 'binary_classification' || decision === undefined || decision.output !== score) return
  if (decision.threshold < 0 || decision.threshold > 1)
    report(['decision', 'threshold'], 'must lie between 0 and 1', 'the score of a binary_classification model is a probability')
}

/** Checks that evaluation clusters by roles that the model has, and that only a number is meant as a quantile. */
function checkEvaluation({ task, entities, evaluation = { rows: 'clustered' } }: ModelDefinition, report: Report): void {
  for (const [index, role] of (evaluation.cluster_by ?? []).entries())
    if (!Object.hasOwn(entities, role))
      report(['evaluation', 'cluster_by', index], `the model has no role "${role}"`, knownNames(role, Object.keys(entities)))
  if (evaluation.rows === 'independent' && evaluation.cluster_by !== undefined)
    report(['evaluation', 'cluster_by'], 'says how predictions depend on each other, and rows says that they are independent')
  if (evaluation.quantile !== undefined && task !== 'regression')
    report(['evaluation', 'quantile'], 'is for a regression model, whose score is a number')
}

/** Checks that a constant which stands in for the model says all that the model would. */
function checkConstant({ fallback, outputs }: ModelDefinition, report: Report): void {
  if (fallback === undefined || !('outputs' in fallback)) return
  for (const name of Object.keys(fallback.outputs))
    if (!Object.hasOwn(outputs, name))
      report(['fallback', 'outputs', name], `the model has no output "${name}"`, knownNames(name, Object.keys(outputs)))
  for (const [name, { type }] of Object.entries(outputs)) {
    const value = ownEntry(fallback.outputs, name)
    if (value === undefined) report(['fallback', 'outputs'], `"${name}" is left out`)
    else if ((type === 'text') !== (typeof value === 'string'))
      report(['fallback', 'outputs', name], `must be ${type === 'text' ? 'a text' : 'a number'}`)
  }
}

/** Checks that an anchor's features exist, each once, and that whatever they derive from is allowed there as well: else a derived one would leak it. */
function checkAnchors(model: ModelDefinition, report: Report): void {
  const features = new Map<string, ModelFeature>(model.features.map((feature) => [feature.name, feature]))
  for (const [anchor, { features: allowed }] of Object.entries(model.anchors ?? {})) {
    for (const [index, name] of allowed.entries()) {
      const path = ['anchors', anchor, 'features', index]
      const feature = features.get(name)
      if (allowed.indexOf(name) !== index) report(path, `"${name}" is listed twice`)
      if (feature === undefined) report(path, `the model has no feature "${name}"`, knownNames(name, features.keys()))
      if (feature?.source !== 'derived') continue
      for (const input of derivedInputs(feature.derive))
        if (!allowed.includes(input)) report(path, `derives from "${input}", which this anchor does not allow`)
    }
  }
}

export type DeploymentCheck = { deployment: Deployment; model: ModelDefinition; versions: ReadonlySet<string>; reports: Reports }

/** Cross-checks deployment.yaml with the versions there are, refused ones included: those say for themselves what is wrong. */
export function checkDeployment({ deployment, model, versions, reports: { report, warn } }: DeploymentCheck): void {
  const check = (path: (string | number)[], version: string): void => {
    if (!versions.has(version)) report(path, `there is no version "${version}"`, knownNames(version, versions))
  }
  check(['champion'], deployment.champion)
  if (model.fallback !== undefined && 'version' in model.fallback && !versions.has(model.fallback.version))
    warn([], `the fallback of model.yaml, version "${model.fallback.version}", is not there`, knownNames(model.fallback.version, versions))
  for (const [index, shadow] of deployment.shadows.entries()) {
    check(['shadows', index], shadow)
    if (shadow === deployment.champion) report(['shadows', index], 'the champion cannot shadow itself')
    if (deployment.shadows.indexOf(shadow) !== index) report(['shadows', index], `"${shadow}" is listed twice`)
  }
  checkChallengers(deployment, { check, report })
  const { sticky_key: key } = deployment
  if (key !== undefined && !Object.hasOwn(model.entities, key))
    report(['sticky_key'], `the model has no role "${key}"`, knownNames(key, Object.keys(model.entities)))
  else if (key !== undefined && deployment.challengers.length === 0) warn(['sticky_key'], 'has no effect without challengers')
}

type Checks = { check: (path: (string | number)[], version: string) => void; report: Report }

/** Checks that each version has one role, and that something is left for the champion. */
function checkChallengers({ champion, challengers, shadows }: Deployment, { check, report }: Checks): void {
  for (const [index, { version }] of challengers.entries()) {
    const path = ['challengers', index, 'version']
    check(path, version)
    if (version === champion) report(path, 'the champion cannot challenge itself')
    if (shadows.includes(version)) report(path, `"${version}" is a shadow too`, 'a challenger is seen by its own share of requests')
    if (challengers.findIndex((other) => other.version === version) !== index) report(path, `"${version}" is listed twice`)
  }
  const total = challengers.reduce((sum, { weight }) => sum + weight, 0)
  if (total >= 1) report(['challengers'], `their weights add up to ${total}`, 'they must leave something for the champion: less than 1')
}
