import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Deployment, type DeploymentChange, deploymentState, type DeploymentState } from '../../contracts/deployment.ts'
import { ServiceError } from '../../contracts/errors.ts'
import { callGateway } from '../../platform/command/call-gateway.ts'
import { type CommandOptions, dataDirOption, jsonOption } from '../../platform/command/options.ts'
import { print } from '../../platform/command/output.ts'
import { wholeNumber } from '../../platform/command/parse-options.ts'
import { connectionFromRunFiles } from '../../platform/service/run-files.ts'

type Challengers = DeploymentChange['challengers']
type DeployOptions = CommandOptions & {
  champion?: string
  challenger: Challengers
  shadow: string[]
  stickyKey?: string
  loaded?: Deployment['loaded']
  reason?: string
}
type RollbackOptions = CommandOptions & { to?: number; reason?: string }

/** Adds `deploy`, which shows or changes a model's deployment in a running gateway, and `rollback`. */
export function registerDeploymentCommands(program: Command): void {
  withShared(
    program
      .command('deploy')
      .description('show which versions of a model answer, or say which shall: one that is not named answers no more'),
  )
    .argument('<model>')
    .option(
      '--champion <version>',
      'the version that answers what no challenger answers; without it, the deployment and its history are shown',
    )
    .option('--challenger <version=share...>', 'a version that answers a share of requests, as 4=10% or 4=0.1', collectChallenger, [])
    .option('--shadow <version...>', 'a version that predicts on every request and answers nobody', [])
    .option('--sticky-key <role>', 'the role whose entity stays with its version; by default as before')
    .addOption(new Option('--loaded <versions>', 'which versions are held in memory; by default as before').choices(['all', 'deployed']))
    .option('--reason <text>', 'the reason, which is kept with the change')
    .action(deploy)
  withShared(program.command('rollback').description('go back to the deployment before, as a new revision'))
    .argument('<model>')
    .option('--to <revision>', 'the revision to go back to; by default the one before', wholeNumber({ from: 0, to: 999_999_999 }))
    .option('--reason <text>', 'the reason, which is kept with the change')
    .action(rollback)
}

function withShared(command: Command): Command {
  return command.addOption(dataDirOption()).addOption(jsonOption())
}

async function deploy(model: string, options: DeployOptions): Promise<void> {
  const { deployment, ...state } = await read(model, options)
  const { champion, reason, challenger: challengers, shadow: shadows } = options
  if (champion === undefined) {
    if (challengers.length + shadows.length > 0 || reason !== undefined) throw missing('--champion')
    return print(options, { deployment, ...state }, toText)
  }
  if (reason === undefined) throw missing('--reason')
  const stickyKey = options.stickyKey ?? deployment.sticky_key
  const loaded = options.loaded ?? deployment.loaded
  const change = { champion, challengers, shadows, loaded, ...(stickyKey !== undefined && { sticky_key: stickyKey }), reason }
  print(options, await put(model, options, { ...change, based_on: deployment.revision }), toText)
}

async function rollback(model: string, options: RollbackOptions): Promise<void> {
  const { deployment, history } = await read(model, options)
  const isTarget = ({ revision }: Deployment) => (options.to === undefined ? revision < deployment.revision : revision === options.to)
  const before = history.find(isTarget)
  if (before === undefined)
    throw new ServiceError('not_found', `${model} has no ${options.to === undefined ? 'earlier revision' : `revision ${options.to}`}`, {
      hint: `there is ${history.map(({ revision }) => revision).join(', ') || 'none that was put'}`,
    })
  const { revision, author: _, changed_at: __, reason: ___, ...routing } = before
  const reason = options.reason ?? `back to revision ${revision}`
  print(options, await put(model, options, { ...routing, reason, based_on: deployment.revision }), toText)
}

async function read(model: string, { dataDir }: CommandOptions): Promise<DeploymentState> {
  return deploymentState.parse(await callGateway(connectionFromRunFiles(dataDir).gatewayAdminUrl, pathOf(model)))
}

async function put(model: string, { dataDir }: CommandOptions, body: DeploymentChange): Promise<DeploymentState> {
  const { gatewayAdminUrl } = connectionFromRunFiles(dataDir)
  return deploymentState.parse(await callGateway(gatewayAdminUrl, pathOf(model), { method: 'PUT', body }))
}

function pathOf(model: string): string {
  return `/v1/models/${encodeURIComponent(model)}/deployment`
}

function missing(option: string): ServiceError {
  return new ServiceError('invalid_request', `${option} is required to change a deployment`, { hint: 'see hindsight deploy --help' })
}

function collectChallenger(text: string, before: Challengers): Challengers {
  const [, version, share, percent] = /^([^=]+)=(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text) ?? []
  if (version === undefined) throw new InvalidArgumentError('write it as version=share, as 4=10%.')
  return [...before, { version, weight: Number(share) / (percent === '%' ? 100 : 1) }]
}

function toText({ model, deployment, unserved, waiting, history }: DeploymentState): string {
  const others = history.filter(({ revision }) => revision < deployment.revision)
  return [
    `${model}: ${toLine(deployment)}`,
    ...unserved.map(({ version, reason }) => `not served: version ${version}: ${reason}`),
    ...(waiting === undefined ? [] : [`waiting: ${toLine(waiting.deployment)}: ${waiting.reason}`]),
    ...others.map((earlier) => `  before: ${toLine(earlier)}`),
  ].join('\n')
}

function toLine({ revision, champion, challengers, shadows, author, reason, changed_at: at }: Deployment): string {
  const parts = [
    `champion ${champion}`,
    ...challengers.map(({ version, weight }) => `challenger ${version} (${toPercent(weight)})`),
    ...shadows.map((version) => `shadow ${version}`),
  ]
  return `revision ${revision}: ${parts.join(', ')}; ${author}${at === undefined ? '' : `, ${at}`}${reason === '' ? '' : `: ${reason}`}`
}

export function toPercent(weight: number): string {
  return `${Number((weight * 100).toPrecision(6))} %`
}
