import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Run } from './scenario.ts'

/** k6's own summary: of each metric its aggregates by name, and of each threshold whether it failed. */
export type Summary = { metrics: Record<string, Record<string, number | Record<string, boolean>>> }
export type K6Run = Run & { summary: Summary }

const scenarios = fileURLToPath(new URL('../scenarios/', import.meta.url))
const thresholdsFailed = 99

/** Runs one script of `scenarios/` to its end; what k6 prints goes to standard error. */
export async function runK6(script: string, env: Record<string, string>): Promise<K6Run> {
  const dir = await mkdtemp(join(tmpdir(), 'hindsight-k6-'))
  const summaryFile = join(dir, 'summary.json')
  try {
    const args = ['run', '--quiet', '--no-usage-report', '--summary-export', summaryFile, join(scenarios, `${script}.ts`)]
    const child = spawn('k6', args, { env: { ...process.env, ...env }, stdio: ['ignore', process.stderr, process.stderr] })
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0 && code !== thresholdsFailed) throw new Error(`k6 could not run ${script}: it ended with ${code}`)
    const summary = JSON.parse(await readFile(summaryFile, 'utf8')) as Summary
    const count = (metric: string) => valueOf(summary, metric, 'count') * Number(env['INSTANCES'] ?? 1)
    const counts = { sent: count('http_reqs'), answered: count('answered'), refused: count('refused') }
    return { passed: code === 0, counts, summary }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** How to get k6 where it is not on the PATH. */
export function explainK6Absence(): string | undefined {
  if (spawnSync('k6', ['version']).error === undefined) return undefined
  return 'k6 is not on the PATH: https://grafana.com/docs/k6/latest/set-up/install-k6 has packages, or `go install go.k6.io/k6/v2@latest`'
}

/** An aggregate of a metric, as `valueOf(summary, 'answered', 'count')`; 0 for one that never had a value. */
export function valueOf({ metrics }: Summary, metric: string, aggregate: string): number {
  const value = metrics[metric]?.[aggregate]
  return typeof value === 'number' ? value : 0
}
