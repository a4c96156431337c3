import { showSpread, type Spread, spreadOf } from '../logger/statistics.ts'
import type { ServerResult } from './measure.ts'
import { type VariantName, variants } from './variants.ts'

/** One of the servers of a run: a variant in a setup, whose label is empty for this checkout on this Node.js. */
export type Server = { variant: VariantName; setup: string }
/** The results of one round, every server in turn, by `nameOf`. */
export type Round = Record<string, ServerResult>

export type ServerSummary = Record<'requestsPerSecond' | 'processorUs' | 'p50Ms' | 'p99Ms', Spread> & { failed: number }
/** How many times a figure of one server is another's, within each round. */
export type Ratio = { of: string; to: string; figure: Figure; times: Spread; goal?: Goal }
/** What a ratio's or a difference's median is to be at least or at most. */
export type Goal = { least: number } | { most: number }
type Figure = 'requestsPerSecond' | 'processorUs'

export type RatesResult = { servers: Record<string, ServerSummary>; ratios: Ratio[] }

/** The comparisons of servers within a setup. */
const comparisons: { of: VariantName; to: VariantName; figure: Figure; goal?: Goal }[] = [
  { of: 'durable', to: 'node-echo', figure: 'requestsPerSecond', goal: { least: 0.25 } },
  { of: 'durable', to: 'unlogged', figure: 'requestsPerSecond', goal: { least: 0.7 } },
  { of: 'in-process', to: 'unlogged', figure: 'requestsPerSecond', goal: { least: 0.9 } },
  { of: 'committed-echo', to: 'node-echo', figure: 'processorUs' },
  { of: 'hono-echo', to: 'node-echo', figure: 'processorUs' },
  { of: 'durable', to: 'node-echo', figure: 'processorUs', goal: { most: 4.5 } },
  { of: 'in-process', to: 'node-echo', figure: 'processorUs' },
  { of: 'unlogged', to: 'node-echo', figure: 'processorUs' },
  { of: 'shadowed', to: 'node-echo', figure: 'processorUs' },
  { of: 'keyed', to: 'durable', figure: 'requestsPerSecond' },
  { of: 'keyed', to: 'durable', figure: 'processorUs' },
]

export function nameOf({ variant, setup }: Server): string {
  return setup === '' ? variant : `${variant} (${setup})`
}

export function summariseRates(servers: readonly Server[], rounds: readonly Round[]): RatesResult {
  const figuresOf = (name: string, figure: keyof ServerResult) => rounds.map((round) => round[name]?.[figure] ?? Number.NaN)
  const ratio = (compared: Omit<Ratio, 'times'>): Ratio => {
    const divisors = figuresOf(compared.to, compared.figure)
    return {
      ...compared,
      times: spreadOf(figuresOf(compared.of, compared.figure).map((value, round) => value / (divisors[round] ?? Number.NaN))),
    }
  }
  return {
    servers: Object.fromEntries(
      servers.map(nameOf).map((name) => [
        name,
        {
          requestsPerSecond: spreadOf(figuresOf(name, 'requestsPerSecond')),
          processorUs: spreadOf(figuresOf(name, 'processorUs')),
          p50Ms: spreadOf(figuresOf(name, 'p50Ms')),
          p99Ms: spreadOf(figuresOf(name, 'p99Ms')),
          failed: figuresOf(name, 'failed').reduce((sum, count) => sum + count, 0),
        },
      ]),
    ),
    ratios: toPairs(servers).map(ratio),
  }
}

/** The comparisons of a run: those with goals within each setup, and each variant with itself in the first setup. */
function toPairs(servers: readonly Server[]): Omit<Ratio, 'times'>[] {
  const names = new Set(servers.map(nameOf))
  const setups = [...new Set(servers.map(({ setup }) => setup))]
  const within = setups.flatMap((setup) =>
    comparisons.map(({ of, to, ...compared }) => ({
      ...compared,
      of: nameOf({ variant: of, setup }),
      to: nameOf({ variant: to, setup }),
    })),
  )
  const across = servers.flatMap(({ variant, setup }) =>
    setup === ''
      ? []
      : (['requestsPerSecond', 'processorUs'] as const).map((figure) => ({ of: variant, to: nameOf({ variant, setup }), figure })),
  )
  return [...within, ...across].filter(({ of, to }) => names.has(of) && names.has(to))
}

export function toRatesText(servers: readonly Server[], result: RatesResult): string {
  return [
    ...servers.map((server) => toServerRow(server, result.servers[nameOf(server)])),
    ...result.ratios.map(({ of, to, figure, times, goal }) => {
      const what = figure === 'processorUs' ? `processor time of ${of} to ${to}` : `${of} to ${to}`
      return `${what.padEnd(titleWidth)} ${showSpread(times, 2)}${showVerdict(times.median, goal)}`
    }),
  ].join('\n')
}

const titleWidth = 56

function toServerRow({ variant, setup }: Server, summary: ServerSummary | undefined): string {
  if (summary === undefined) return ''
  const { requestsPerSecond, processorUs, p50Ms, p99Ms, failed } = summary
  const title = `${variants[variant].title}${setup === '' ? '' : ` [${setup}]`}`
  const latencies = `p50 ${p50Ms.median.toFixed(1)} ms, p99 ${p99Ms.median.toFixed(1)} ms`
  const failures = failed === 0 ? '' : `, ${failed} failed`
  return `${title.padEnd(titleWidth)} ${showSpread(requestsPerSecond, 0)}/s, ${showSpread(processorUs, 0)} us, ${latencies}${failures}`
}

/** Whether a goal is reached, as the end of a line; nothing where there is none. */
export function showVerdict(value: number, goal: Goal | undefined): string {
  if (goal === undefined) return ''
  const [reached, bound] = 'least' in goal ? [value >= goal.least, `at least ${goal.least}`] : [value <= goal.most, `at most ${goal.most}`]
  return `   ${reached ? 'reached' : 'MISSED'}: ${bound}`
}
