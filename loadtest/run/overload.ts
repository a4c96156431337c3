import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, createClient } from '../generator/client.ts'
import { runClosedLoop } from '../generator/closed-loop.ts'
import { startOpenLoop } from '../generator/open-loop.ts'
import { mergeTallies, type Tally } from '../generator/tally.ts'
import { predictPath, taggedBodies } from '../logger/flights.ts'
import { quantile, showSpread, type Spread, spreadOf } from '../logger/statistics.ts'
import { watchMemory } from './memory.ts'
import type { Finding, Run, RunOptions } from './scenario.ts'
import type { Target } from './target.ts'

/**
 * The least share of the closed loop's rate that is answered under twice the load, by predictions per request. A refusal costs
 * about as much as a bare echo.
 */
const leastAnswered: Record<number, number> = { 16: 1, 1: 0.6 }
const leastAnsweredElse = 0.6
/** The share of the budget within which a refusal comes. */
const mostRefusalShare = 0.5

const rounds = 3
const clients = 32
/** The seconds that the queues of an overload take to fill. */
const fillSeconds = 1

export type OverloadRound = { capacityPerSecond: number; offeredPerSecond: number; answeredPerSecond: number; tally: Tally }

/** Runs a closed loop and an overload in turn, with many predictions in a request and with one, after a round that warms up. */
export async function overload(target: Target, options: RunOptions): Promise<{ runs: Run[]; findings: Finding[] }> {
  const sizes =
    options.instances === undefined
      ? Object.keys(leastAnswered)
          .map(Number)
          .toSorted((a, b) => b - a)
      : [options.instances]
  const seconds = options.seconds / (sizes.length * rounds * 2)
  const runs: Run[] = []
  const measureAll = async () => {
    const findings: Finding[] = []
    for (const instances of sizes) {
      const bodies = taggedBodies({ instances, tag: options.tag })
      const client = createClient({ url: `${target.url}${predictPath}`, bodies, key: process.env['HINDSIGHT_API_KEY'] })
      const measured: OverloadRound[] = []
      for (let round = 0; round <= rounds; round++) {
        const { counted, ...one } = await measureRound(client, { seconds, rate: options.rate })
        runs.push({ counts: toCounts(counted, instances) })
        if (round > 0) measured.push(one)
      }
      client.close()
      findings.push(...judgeOverload(measured, { instances, budgetMs: options.budgetMs }))
    }
    return findings
  }
  const { result, finding } = await watchMemory(target, measureAll())
  return { runs, findings: [...result, finding] }
}

/** Measures one round. `rate` is what is offered, and 0 for twice what the closed loop got; `counted` is all that was sent, for whoever looks for its rows. */
async function measureRound(client: Client, options: { seconds: number; rate: number }): Promise<OverloadRound & { counted: Tally[] }> {
  const { seconds, rate } = options
  const closed = await runClosedLoop(client, { clients, seconds })
  const capacityPerSecond = closed.tally.answeredMs.length / closed.seconds
  const offeredPerSecond = rate || Math.round(2 * capacityPerSecond)
  const load = startOpenLoop(client, offeredPerSecond)
  await sleep(fillSeconds * 1000)
  const filling = load.part()
  const startedAt = performance.now()
  await sleep(seconds * 1000)
  const measuring = load.part()
  const measuredSeconds = (performance.now() - startedAt) / 1000
  // The load goes on until the last measured request is answered, which would else find an easier server.
  const tally = await measuring
  load.stop()
  const counted = [closed.tally, await filling, tally, await load.part()]
  return { capacityPerSecond, offeredPerSecond, answeredPerSecond: tally.answeredMs.length / measuredSeconds, tally, counted }
}

export function judgeOverload(measured: readonly OverloadRound[], options: { instances: number; budgetMs: number }): Finding[] {
  const { instances, budgetMs } = options
  const least = leastAnswered[instances] ?? leastAnsweredElse
  const ratio = spreadOf(measured.map(({ answeredPerSecond, capacityPerSecond }) => answeredPerSecond / capacityPerSecond))
  const spread = (pick: (round: OverloadRound) => number): Spread => spreadOf(measured.map(pick))
  const { answeredMs, refusedMs, others, delaysMs } = mergeTallies(measured.map(({ tally }) => tally))
  const late = answeredMs.filter((ms) => ms > budgetMs).length
  const offered = spread(({ offeredPerSecond }) => offeredPerSecond).median
  const other = [...others].map(([status, count]) => `${count} with ${status === 0 ? 'no answer' : `status ${status}`}`)
  return [
    {
      text:
        `${instances} a request: ${showSpread(
          spread(({ capacityPerSecond }) => capacityPerSecond),
          0,
        )} requests/s in a closed loop; ` +
        `of ${Math.round(offered)}/s answered ${showSpread(
          spread(({ answeredPerSecond }) => answeredPerSecond),
          0,
        )}: ${showSpread(ratio, 2)}, at least ${least}`,
      holds: ratio.median >= least,
    },
    {
      text:
        `  answered, from when due: ${showQuantiles(answeredMs)}, ${late} later than ${budgetMs} ms, p99 at most that` +
        ` (generator's own delay: ${showQuantiles(delaysMs)})`,
      holds: quantile(answeredMs, 0.99) <= budgetMs,
    },
    {
      text: `  refused with Retry-After: ${refusedMs.length}, ${showQuantiles(refusedMs)}, p99 at most ${budgetMs * mostRefusalShare} ms; ${other.join(', ') || 'nothing else'}`,
      holds: refusedMs.length > 0 && quantile(refusedMs, 0.99) <= budgetMs * mostRefusalShare && others.size === 0,
    },
  ]
}

function showQuantiles(values: readonly number[]): string {
  const [p50, p99, most] = [0.5, 0.99, 1].map((share) => quantile(values, share).toFixed(1))
  return `p50 ${p50}, p99 ${p99}, max ${most} ms`
}

function toCounts(tallies: readonly Tally[], instances: number): Run['counts'] {
  const { sent, answeredMs, refusedMs } = mergeTallies(tallies)
  return { sent: sent * instances, answered: answeredMs.length * instances, refused: refusedMs.length * instances }
}
