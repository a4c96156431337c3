import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { runK6, valueOf } from './k6.ts'
import { watchMemory } from './memory.ts'
import { overload } from './overload.ts'
import type { Finding, RunOptions, Scenario } from './scenario.ts'
import { swapAgainAndAgain } from './swaps.ts'
import type { Target } from './target.ts'

export const scenarios = {
  'latency-budget': {
    title: 'a steady load that the gateway has room for',
    needsOwn: false,
    needsK6: true,
    defaults: { rate: 200, seconds: 30 },
    run: async (target, options) => ({ runs: [await runK6('latency-budget', toEnv(target, options))], findings: [] }),
  },
  ramp: {
    title: 'ten steps up to a rate beyond saturation',
    needsOwn: false,
    needsK6: true,
    defaults: { rate: 2_000, seconds: 60 },
    run: ramp,
  },
  overload: {
    title: 'twice what the gateway can do',
    needsOwn: false,
    needsK6: false,
    defaults: { rate: 0, seconds: 120 },
    run: overload,
  },
  soak: {
    title: 'a moderate load for long',
    needsOwn: false,
    needsK6: true,
    defaults: { rate: 100, seconds: 600 },
    async run(target, options) {
      const { result, finding } = await watchMemory(target, runK6('latency-budget', toEnv(target, options)))
      return { runs: [result], findings: [finding] }
    },
  },
  'hot-swap': {
    title: 'fifty swaps of the champion under load',
    needsOwn: true,
    needsK6: true,
    defaults: { rate: 100, seconds: 60 },
    run: hotSwap,
  },
  'slow-neighbour': {
    title: 'a model of 100 ms, saturated, beside a small one',
    needsOwn: true,
    needsK6: true,
    defaults: { rate: 100, seconds: 20 },
    run: slowNeighbour,
  },
  'sink-outage': {
    title: 'no warehouse for the middle third',
    needsOwn: true,
    needsK6: true,
    defaults: { rate: 200, seconds: 60 },
    run: sinkOutage,
  },
} as const satisfies Record<string, Scenario>

function toEnv({ url }: Target, { rate, seconds, budgetMs, tag, instances = 1 }: RunOptions): Record<string, string> {
  return { HINDSIGHT_URL: url, RATE: `${rate}`, SECONDS: `${seconds}`, BUDGET_MS: `${budgetMs}`, TAG: tag, INSTANCES: `${instances}` }
}

const steps = 10

async function ramp(target: Target, options: RunOptions) {
  const run = await runK6('ramp', toEnv(target, options))
  const rows = Array.from({ length: steps }, (_, index) => {
    const of = `{scenario:step_${index + 1}}`
    const [answered, refused] = ['answered', 'refused'].map((metric) => valueOf(run.summary, `${metric}${of}`, 'count'))
    return {
      rate: Math.round((options.rate * (index + 1)) / steps),
      refusedShare: (refused ?? 0) / ((answered ?? 0) + (refused ?? 0)),
      p99Ms: valueOf(run.summary, `answered_duration${of}`, 'p(99)'),
    }
  })
  const full = rows.findLast(({ refusedShare, p99Ms }) => refusedShare < 0.01 && p99Ms < options.budgetMs)
  const text = rows.map(
    ({ rate, refusedShare, p99Ms }) => `  ${rate}/s: p99 ${p99Ms.toFixed(1)} ms, ${(refusedShare * 100).toFixed(1)} % refused`,
  )
  const findings = [{ text: [`answers all of up to ${full?.rate ?? 0} requests/s`, ...text].join('\n'), holds: full !== undefined }]
  return { runs: [run], findings }
}

const swaps = 50

async function hotSwap(target: Target, options: RunOptions) {
  const swapping = swapAgainAndAgain(target, { swaps, withinSeconds: options.seconds * 0.9 })
  const load = Promise.all([runK6('latency-budget', toEnv(target, options)), swapping])
  const { result, finding } = await watchMemory(target, load)
  const [run, done] = result
  return { runs: [run], findings: [{ text: `${done} of ${swaps} swaps`, holds: done === swaps }, finding] }
}

/** How many times as long the small model and `/livez` may take beside the slow model as beside a busy thread. */
const mostRatio = 1.5
const slowMs = 100

async function slowNeighbour(target: Target, options: RunOptions) {
  const busy = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
  const beside = await runK6('slow-neighbour', toEnv(target, options)).finally(() => busy.kill('SIGKILL'))
  const turns = await turnsFor(target, slowMs)
  const slowed = await runK6('slow-neighbour', { ...toEnv(target, options), TURNS: `${turns}` })
  const metrics = { 'small model': 'answered_duration{model:flight-delay}', '/livez': 'livez_duration' }
  const findings = Object.entries(metrics).map(([name, metric]): Finding => {
    const [alone, with_] = [beside, slowed].map(({ summary }) => valueOf(summary, metric, 'p(99)'))
    const ratio = (with_ ?? Number.NaN) / (alone ?? Number.NaN)
    const text = `${name}: p99 ${with_?.toFixed(1)} ms beside the slow model, ${alone?.toFixed(1)} ms beside a busy thread: ${ratio.toFixed(2)}, at most ${mostRatio}`
    return { text, holds: ratio <= mostRatio }
  })
  return { runs: [beside, slowed], findings }
}

/** Turns of the slow model that take about so long, from what some turns take. */
async function turnsFor({ url }: Target, ms: number): Promise<number> {
  const turns = 200_000
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ features: { turns }, tags: ['measurement'] })
  const startedAt = performance.now()
  const answer = await fetch(`${url}/v1/models/slow/predict`, { method: 'POST', headers, body })
  if (answer.status !== 200) throw new Error(`the slow model answered ${answer.status}: ${await answer.text()}`)
  return Math.max(1, Math.round((turns * ms) / (performance.now() - startedAt)))
}

async function sinkOutage(target: Target, options: RunOptions) {
  const third = (options.seconds / 3) * 1000
  const outage = async () => {
    await sleep(third)
    target.own?.stopWarehouse()
    await sleep(third).finally(() => target.own?.continueWarehouse())
  }
  const [run] = await Promise.all([runK6('latency-budget', toEnv(target, options)), outage()])
  return { runs: [run], findings: [] }
}
