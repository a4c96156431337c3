import { writeFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import { isSound, type RunResult } from './result.ts'
import { runFaults } from './run-faults.ts'
import { formatResults } from './results-text.ts'
import { natsVersion } from './system/servers.ts'

type Options = { rounds?: number; only?: string[]; setUp?: string; seed: number; json?: string; budgetMs: number }

const command = new Command('faults')
  .description('Puts real processes to every fault and holds the warehouse against what the client saw.')
  .option('--rounds <n>', 'rounds of each fault; its own number if left out', wholeNumber)
  .option('--only <names...>', 'faults to run, by name or by what it begins with')
  .option('--set-up <name>', 'embedded or servers; both if left out')
  .option('--seed <n>', 'of everything random', wholeNumber, Math.floor(Math.random() * 1e9))
  .option('--json <file>', 'where to write all of it')
  .option('--budget-ms <n>', 'what the p99 of answers is held to', wholeNumber, 250)

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('must be a whole number')
  return Number(text)
}

async function main(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))
  const { json, ...options } = command.parse().opts<Options>()
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  say(`seed ${options.seed}`)
  const started_at = new Date().toISOString()
  const nats_server = natsVersion()
  const run: RunResult = {
    seed: options.seed,
    started_at,
    node: process.version,
    ...(nats_server !== undefined && { nats_server }),
    budget_ms: options.budgetMs,
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
