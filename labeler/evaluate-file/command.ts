import { type Command, InvalidArgumentError, Option } from 'commander'
import { ServiceError } from '../../contracts/errors.ts'
import { print } from '../../platform/command/output.ts'
import type { Costs } from '../metrics/at-threshold.ts'
import type { ArrayTask } from './array-columns.ts'

export type FileEvaluationOptions = {
  file?: string
  task: ArrayTask
  score: string
  outcome: string
  weight?: string
  cluster?: string[]
  day?: string
  probabilities?: ReadonlyMap<string, string>
  threshold?: number
  costs?: Costs
  quantile?: number
  json?: boolean
}

/** Adds the options of `evaluate --file`, which judges any array and needs no running system. */
export function addFileOptions(command: Command): void {
  const ofFile = 'with --file: '
  command
    .option('--file <path>', 'judge the rows of a file instead: JSONL, CSV, Parquet, or a folder of such files')
    .addOption(new Option('--task <task>', `${ofFile}what the outcome is`).choices(['binary', 'classes', 'regression']).default('binary'))
    .option('--score <column>', `${ofFile}the probability of 1, the number, or the class that was said`, 'score')
    .option('--outcome <column>', `${ofFile}what turned out: 0, 1, true or false; a number; a class`, 'outcome')
    .option('--weight <column>', `${ofFile}the weight of the row; 1 where it is left out`)
    .option('--cluster <column...>', `${ofFile}entities by which rows depend on each other; without them and --day rows are independent`)
    .option('--day <column>', `${ofFile}the day, or a time on it, by which rows depend on each other; UTC where it has no offset`)
    .option('--probabilities <class=column,...>', `${ofFile}the columns of the probabilities of all classes`, toProbabilities)
    .option('--threshold <number>', `${ofFile}judge the decision "score at least this" too`, toNumber)
    .option('--costs <kind=cost,...>', `${ofFile}costs of false_positive, false_negative, true_positive, true_negative`, toCosts)
    .option('--quantile <share>', `${ofFile}the quantile of the outcome that the number is meant as`, toShare)
}

function toNumber(text: string): number {
  if (text.trim() === '' || !Number.isFinite(Number(text))) throw new InvalidArgumentError('must be a number.')
  return Number(text)
}

function toShare(text: string): number {
  const share = toNumber(text)
  if (!(share > 0 && share < 1)) throw new InvalidArgumentError('must lie between 0 and 1.')
  return share
}

function toPairs(text: string): [string, string][] {
  return text.split(',').map((pair) => {
    const at = pair.lastIndexOf('=')
    if (at < 1 || at === pair.length - 1) throw new InvalidArgumentError('write it as name=value,name=value.')
    return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
  })
}

function toProbabilities(text: string): ReadonlyMap<string, string> {
  return new Map(toPairs(text))
}

function toCosts(text: string): Costs {
  const costs: Costs = { false_positive: 0, false_negative: 0, true_positive: 0, true_negative: 0 }
  for (const [kind, cost] of toPairs(text)) {
    if (!Object.hasOwn(costs, kind)) throw new InvalidArgumentError(`there is no ${kind}: there are ${Object.keys(costs).join(', ')}.`)
    costs[kind as keyof Costs] = toNumber(cost)
  }
  return costs
}

export async function evaluateFileCommand(file: string, options: FileEvaluationOptions): Promise<void> {
  const { openFile } = await import('../../platform/files/open-file.ts')
  const { anyColumn } = await import('./array-columns.ts')
  const { evaluateFile } = await import('./evaluate-file.ts')
  const { toFileEvaluationText } = await import('./file-evaluation-text.ts')
  const { task, score, outcome, weight, day, cluster: clusters = [], probabilities = new Map<string, string>() } = options
  if (probabilities.size > 0 && task !== 'classes')
    throw new ServiceError('invalid_config', 'probabilities of classes need --task classes', { path: 'probabilities' })
  const source = await openFile(file, { columns: anyColumn })
  const columns = { score, outcome, weight, day, clusters, probabilities }
  const evaluation = await evaluateFile({
    source,
    task,
    columns,
    threshold: options.threshold,
    costs: options.costs,
    quantile: options.quantile,
  })
  print(options, { file, ...evaluation }, () => toFileEvaluationText(file, evaluation))
}
