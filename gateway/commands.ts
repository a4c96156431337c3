import { type Command, InvalidArgumentError } from 'commander'
import { predictResponse, type PredictResponse } from '../contracts/http.ts'
import type { Scalar } from '../contracts/primitives.ts'
import { callGateway } from '../platform/command/call-gateway.ts'
import { type CommandOptions, dataDirOption, jsonOption } from '../platform/command/options.ts'
import { print } from '../platform/command/output.ts'
import { connectionFromRunFiles } from '../platform/service/run-files.ts'
import { registerKeyCommands } from './access/commands.ts'
import { registerDeploymentCommands, toPercent } from './deploy/commands.ts'
import { modelDetail, type ModelDetail, modelList, type ModelSummary } from './routes/model-schemas.ts'

type PredictOptions = CommandOptions & {
  entity: Record<string, string>
  feature: Record<string, Scalar>
  anchor?: string
  anchorTime?: string
  modelVersion?: string
  returnFeatures?: boolean
}

/** Adds `models`, `predict`, `deploy` and `rollback`, which speak to a running gateway over HTTP, and `keys`, which changes a file. */
export function registerCommands(program: Command): void {
  program
    .command('models')
    .description('list the models of a running gateway, or show one')
    .argument('[model]')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .action(async (model: string | undefined, options: CommandOptions) => {
      if (model === undefined) return showModels(options)
      return showModel(model, options)
    })
  program
    .command('predict')
    .description('ask a running gateway for one prediction')
    .argument('<model>')
    .option('--entity <role=id...>', 'an entity of the request, as origin=SFO', collectEntity, {})
    .option('--feature <name=value...>', 'a feature of the request, as distance=337', collectFeature, {})
    .option('--anchor <name>', 'the named decision point')
    .option('--anchor-time <time>', 'the time the prediction is about, RFC 3339; default now')
    .option('--model-version <version>', 'the version that is to answer; by default the deployment decides')
    .option('--return-features', 'show what the model saw')
    .addOption(dataDirOption())
    .addOption(jsonOption())
    .action(predict)
  registerDeploymentCommands(program)
  registerKeyCommands(program)
}

function splitPair(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('write it as name=value.')
  return [text.slice(0, at), text.slice(at + 1)]
}

function collectEntity(text: string, previous: Record<string, string>): Record<string, string> {
  const [role, id] = splitPair(text)
  return { ...previous, [role]: id }
}

/** A number or a boolean where the text is one; anything else, and anything in double quotes, is text. */
function collectFeature(text: string, previous: Record<string, Scalar>): Record<string, Scalar> {
  const [name, value] = splitPair(text)
  return { ...previous, [name]: parseScalar(value) }
}

export function parseScalar(text: string): Scalar {
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(text)) return Number(text)
  return /^".*"$/.test(text) ? text.slice(1, -1) : text
}

async function predict(model: string, options: PredictOptions): Promise<void> {
  const body = {
    entities: options.entity,
    features: options.feature,
    ...(options.anchor !== undefined && { anchor: options.anchor }),
    ...(options.anchorTime !== undefined && { anchor_time: options.anchorTime }),
    options: {
      ...(options.modelVersion !== undefined && { version: options.modelVersion }),
      ...(options.returnFeatures === true && { return_features: true }),
    },
  }
  const answer = await call(options, `/v1/models/${encodeURIComponent(model)}/predict`, body)
  print(options, answer, () => describePrediction(predictResponse.parse(answer)))
}

async function showModels(options: CommandOptions): Promise<void> {
  const answer = await call(options, '/v1/models')
  print(options, answer, () => modelList.parse(answer).models.map(describeSummary).join('\n\n'))
}

async function showModel(model: string, options: CommandOptions): Promise<void> {
  const answer = await call(options, `/v1/models/${encodeURIComponent(model)}`)
  print(options, answer, () => describeDetail(modelDetail.parse(answer)))
}

function call({ dataDir }: CommandOptions, path: string, body?: unknown): Promise<unknown> {
  const { gatewayUrl } = connectionFromRunFiles(dataDir)
  return callGateway(gatewayUrl, path, body === undefined ? undefined : { method: 'POST', body })
}

function describePrediction(answer: PredictResponse): string {
  const outputs = Object.entries(answer.outputs).map(([name, value]) => `${name} ${String(value)}`)
  const decision =
    answer.decision === undefined ? [] : [`decision ${String(answer.decision.value)} (threshold ${answer.decision.threshold ?? 'none'})`]
  const features = answer.features?.map(({ name, value, status }) => `  ${name} = ${value === undefined ? status : String(value)}`) ?? []
  const id = `prediction ${answer.prediction_id}, ${answer.model} version ${answer.model_version} (${answer.route}), ${answer.anchor} at ${answer.anchor_time}`
  return [...outputs, ...decision, ...features, ...answer.warnings.map((warning) => `warning: ${warning}`), id].join('\n')
}

function describeSummary(model: ModelSummary): string {
  const challengers = model.challengers.map(({ version, weight }) => `, challenger ${version} (${toPercent(weight)})`).join('')
  const shadows = model.shadows.length === 0 ? '' : `, shadows ${model.shadows.join(', ')}`
  return [
    `${model.model}: ${model.description}`,
    `  champion ${model.champion}${challengers}${shadows}; serves ${model.versions.join(', ') || 'none'}`,
    ...(model.not_loaded.length === 0 ? [] : [`  not loaded: ${model.not_loaded.join(', ')}`]),
    ...model.refused.map(({ version, reason }) => `  refused ${version}: ${reason}`),
  ].join('\n')
}

function describeDetail(model: ModelDetail): string {
  return [
    describeSummary({ ...model, versions: model.versions.map(({ version }) => version) }),
    ...model.anchors.map(({ anchor, features }) => `  anchor ${anchor}: ${features.join(', ')}`),
    ...model.versions.map(({ version, description, features }) => `  version ${version}: ${description} (${features.join(', ')})`),
  ].join('\n')
}
