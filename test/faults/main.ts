import { writeFile } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import { Command, InvalidArgumentError, Option } from 'commander'
import { parseCount, wholeNumber } from '../../platform/command/parse-options.ts'
import { isSound, type RunResult } from './result.ts'
import { type Part, runFaults } from './run-faults.ts'
import { formatResults } from './results-text.ts'
import { allFaults } from './rows/all.ts'
import { natsVersion } from './system/servers.ts'
import { setUps } from './system/spec.ts'

type FaultsOptions = {
  rounds?: number
  only?: string[]
  part?: Part
  setUp?: string
  seed: number
  json?: string
  budgetMs: number
  budget: boolean
}

const command = new Command('faults')
  .description('Puts real processes to every fault and holds the warehouse against what the client saw.')
  .option('--rounds <n>', 'rounds of each fault; its own number if left out', parseCount)
  .option('--only <names...>', 'faults to run, by name or the beginning of a name')
  .option('--part <i/n>', 'every n-th fault, from the i-th on: for several runs at once', partOf)
  .addOption(new Option('--set-up <name>', 'embedded stores or servers; both if left out').choices(setUps))
  .option('--seed <n>', 'seed of everything random', wholeNumber({ from: 0 }), Math.floor(Math.random() * 1e9))
  .option('--json <file>', 'file for all results')
  .option('--budget-ms <n>', 'the most milliseconds that the p99 of answers may have', parseCount, 250)
  .option('--no-budget', 'hold the p99 of answers to nothing: for a machine that has other things to do')

function partOf(text: string): Part {
  const [, index, of] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? []
  if (index === undefined || of === undefined || index < 1 || index > of) throw new InvalidArgumentError('must be as 1/2')
  return { index, of }
}

function commitHere(): string | undefined {
  const { status, stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

async function main(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
  const { json, budget, ...options } = command.parse().opts<FaultsOptions>()
  if (!budget) options.budgetMs = Infinity
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  const unknown = options.only?.find((start) => !allFaults.some(({ name }) => name.startsWith(start)))
  if (unknown !== undefined)
    command.error(`error: no fault is called ${unknown}: there are ${allFaults.map(({ name }) => name).join(', ')}`)
  say(`seed ${options.seed}`)
  const commit = commitHere()
  const started_at = new Date().toISOString()
  const nats_server = natsVersion()
  const run: RunResult = {
    seed: options.seed,
    started_at,
    node: process.version,
    ...(nats_server !== undefined && { nats_server }),
    ...(commit !== undefined && { commit }),
    budget_ms: budget ? options.budgetMs : null,
    results: [],
  }
  for await (const result of runFaults({ ...options, say })) {
    run.results.push(result)
    if (json !== undefined) await writeFile(json, `${JSON.stringify(run, null, 2)}\n`)
  }
  process.stdout.write(formatResults(run))
  process.exitCode = run.results.every(isSound) ? 0 : 1
}

await main()
