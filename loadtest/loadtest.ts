import { writeFile } from 'node:fs/promises'
import { Argument, Command } from 'commander'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import { startLocalSystem } from './run/local-system.ts'
import { checkParity } from './run/parity.ts'
import type { Finding, Scenario } from './run/scenario.ts'
import { scenarios } from './run/scenarios.ts'
import type { Target } from './run/target.ts'

type Options = { url?: string; clickhouseUrl: string; rate?: number; seconds?: number; budgetMs: number; instances?: number; json?: string }

await new Command('loadtest')
  .description(
    'Runs a load test against a system that it starts, or one that runs, and holds the warehouse against what was answered. Needs k6.',
  )
  .addArgument(new Argument('<scenario>', 'what to do to it').choices(Object.keys(scenarios)))
  .option('--url <url>', 'a gateway that runs, with the example project; else a system is started and ended')
  .option('--clickhouse-url <url>', 'with --url: where its predictions are stored', 'http://127.0.0.1:18124')
  .option('--rate <n>', 'requests per second; what the scenario has by default if left out', Number)
  .option('--seconds <n>', 'of load; what the scenario has by default if left out', Number)
  .option('--budget-ms <n>', 'what the p99 of answers is held to', Number, 250)
  .option('--instances <n>', 'predictions that each request asks for', Number)
  .option('--json <file>', 'where to write all of it')
  .action((name: keyof typeof scenarios, options: Options) => runScenario(name, options))
  .parseAsync()

async function runScenario(name: keyof typeof scenarios, { url, clickhouseUrl, json, ...options }: Options): Promise<void> {
  const scenario: Scenario = scenarios[name]
  if (url !== undefined && scenario.needsOwn) throw new Error(`${name} starts, stops or changes the system: it does not take --url`)
  const target = url === undefined ? await startLocalSystem() : aimAt(url, clickhouseUrl)
  try {
    const tag = `loadtest-${Date.now().toString(36)}`
    const { runs, findings } = await scenario.run(target, { ...scenario.defaults, ...options, tag })
    const all: Finding[] = [
      { text: "k6's thresholds", holds: runs.every(({ passed }) => passed) },
      ...findings,
      await checkParity(target, { tag, runs }),
    ]
    process.stdout.write(`${name}: ${scenario.title}\n${all.map(({ text, holds }) => `${holds ? 'ok  ' : 'FAIL'} ${text}\n`).join('')}`)
    if (json !== undefined) await writeFile(json, `${JSON.stringify({ scenario: name, findings: all, runs }, null, 2)}\n`)
    process.exitCode = all.every(({ holds }) => holds) ? 0 : 1
  } finally {
    await target.close()
  }
}

function aimAt(url: string, clickhouseUrl: string): Target {
  const warehouse = createWarehouse({ url: clickhouseUrl })
  return { url: url.replace(/\/$/, ''), admin: undefined, warehouse, own: undefined, close: () => warehouse.close() }
}
