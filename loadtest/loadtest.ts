import { writeFile } from 'node:fs/promises'
import { Argument, Command } from 'commander'
import { createWarehouse } from '../platform/warehouse/warehouse-clickhouse.ts'
import { parseCount, parsePositive, parseUrl } from '../platform/command/parse-options.ts'
import { explainK6Absence } from './run/k6.ts'
import { startLocalSystem } from './run/local-system.ts'
import { checkParity } from './run/parity.ts'
import type { Finding, Scenario } from './run/scenario.ts'
import { scenarios } from './run/scenarios.ts'
import { residentBytes, storedRows, type Target } from './run/target.ts'

type LoadtestOptions = {
  url?: string
  clickhouseUrl: string
  rate?: number
  seconds?: number
  budgetMs: number
  instances?: number
  json?: string
}

const owning = Object.entries(scenarios).flatMap(([name, { needsOwn }]) => (needsOwn ? [name] : []))
const withoutK6 = Object.entries(scenarios).flatMap(([name, { needsK6 }]) => (needsK6 ? [] : [name]))
const command = new Command('loadtest')
  .description(
    `Runs a load test against a system that it starts, or one that runs, and holds the warehouse against what was answered. Needs k6, but for ${withoutK6.join(', ')}.`,
  )
  .addArgument(new Argument('<scenario>', 'the load test to run').choices(Object.keys(scenarios)))
  .option(
    '--url <url>',
    `a gateway that runs, with the example project; else a system is started and ended. Not for ${owning.join(', ')}`,
    parseUrl,
  )
  .option('--clickhouse-url <url>', 'with --url: the warehouse in which its predictions are stored', parseUrl, 'http://127.0.0.1:18124')
  .option('--rate <n>', 'requests per second; what the scenario has by default if left out', parseCount)
  .option('--seconds <n>', 'seconds of load; what the scenario has by default if left out', parseCount)
  .option('--budget-ms <n>', 'the most milliseconds that the p99 of answers may have', parsePositive, 250)
  .option('--instances <n>', 'predictions that each request asks for', parseCount)
  .option('--json <file>', 'file for all results')
  .action((name: keyof typeof scenarios, options: LoadtestOptions) => runScenario(name, options))

await command.parseAsync()

async function runScenario(name: keyof typeof scenarios, { url, clickhouseUrl, json, ...options }: LoadtestOptions): Promise<void> {
  const scenario: Scenario = scenarios[name]
  if (url !== undefined && scenario.needsOwn) command.error(`error: ${name} starts, stops or changes the system: it does not take --url`)
  const absence = scenario.needsK6 ? explainK6Absence() : undefined
  if (absence !== undefined) command.error(`error: ${absence}`)
  const target = url === undefined ? await startLocalSystem() : await aimAt(url, clickhouseUrl)
  try {
    const tag = `loadtest-${Date.now().toString(36)}`
    const { runs, findings } = await scenario.run(target, { ...scenario.defaults, ...options, tag })
    const all: Finding[] = [
      ...runs.flatMap(({ passed }) => (passed === undefined ? [] : [{ text: "k6's thresholds", holds: passed }])),
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

/** The system at these addresses, once gateway and warehouse have answered: a load test of nothing would take as long as another. */
async function aimAt(url: string, clickhouseUrl: string): Promise<Target> {
  const warehouse = createWarehouse({ url: clickhouseUrl, password: process.env['CLICKHOUSE_PASSWORD'] })
  const target: Target = { url, admin: undefined, warehouse, own: undefined, close: () => warehouse.close() }
  await residentBytes(target).catch((error: Error) => command.error(`error: no gateway answers at ${url}: ${error.message}`))
  await storedRows(target, '').catch((error: Error) => command.error(`error: no warehouse answers at ${clickhouseUrl}: ${error.message}`))
  return target
}
