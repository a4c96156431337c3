import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { measureSkew } from '../../features/offline/skew.ts'
import { evaluate } from '../../labeler/evaluate/evaluate.ts'
import { reconcile } from '../../logger/reconcile/reconcile.ts'
import { collectFacts, failuresOf } from './demo-facts.ts'
import { addDays } from '../../models/flight-delay/train/dataset-days.ts'
import type { Flight } from '../../models/flight-delay/train/flights.ts'
import { createProgress } from './progress.ts'
import { joinReplays, type ReplayResult, replayDay } from './replay-day.ts'
import { model, type ReplayPlan, planReplay } from './replay-plan.ts'
import { toReport } from './report.ts'
import { readStoredIds } from './stored-ids.ts'
import type { Project } from '../../platform/project/project.ts'
import { createWarehouse } from '../../platform/warehouse/warehouse-clickhouse.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import { waitForEmptyLog } from '../supervisor/event-log-lag.ts'
import type { System } from '../supervisor/system.ts'

export type DemoOptions = {
  system: Pick<System, 'gatewayUrl' | 'clickhouseUrl' | 'clickhousePassword'>
  project: Project
  /** The local day of departure, as 2001-06-04. */
  day: string
  /** How many days, from `day` on. */
  days: number
  /** How many hours of departures are replayed, from the first on; all by default. */
  hours?: number | undefined
  dataDir: string
  env: NodeJS.ProcessEnv
  signal: AbortSignal
  say: (line: string) => void
}

/** The longest wait until the log is empty, far beyond what a day needs: its log is empty within seconds of the last request. */
const emptyLogDeadlineMs = 120_000

/**
 * Replays one day of flights through the public HTTP API, waits until it is stored, and prints the closing report. True
 * when everything is as it should be.
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { system, project, day, days, hours, dataDir, env, signal, say } = options
  const missing = whatIsMissing(project)
  if (missing !== undefined) {
    say(`no demo: it needs ${missing}, which this project does not have`)
    return true
  }
  const warehouse = createWarehouse({ url: system.clickhouseUrl, user: env['CLICKHOUSE_USER'], password: system.clickhousePassword })
  try {
    const plan = await planReplay({ project, day, toDay: addDays(day, days), hours })
    const replay = await replayUntilWhole(plan, { ...options, warehouse })
    const facts = await collectFacts({
      warehouse,
      plan,
      replay,
      signal,
      evaluate: ({ from, to, tags }) => evaluate({ warehouse, project, model, anchorFrom: from, anchorTo: to, tags }),
      measureSkew: ({ from, to }) => measureSkew({ warehouse, project, model, anchorFrom: from.toISOString(), anchorTo: to.toISOString() }),
      reconcile: () => reconcile(warehouse),
    })
    say(toReport(facts, { day, days, hours, gatewayUrl: system.gatewayUrl }))
    if (dataDir !== '.hindsight') say(`  (each with HINDSIGHT_DATA_DIR=${dataDir})`)
    return failuresOf(facts).length === 0
  } finally {
    await warehouse.close()
  }
}

/** How many times flights that are not stored whole are asked again. */
const replayRounds = 5

/** Replays, asks the warehouse what is stored, and asks again what is missing or was answered without its features or a shadow. */
async function replayUntilWhole(plan: ReplayPlan, options: DemoOptions & { warehouse: Warehouse }): Promise<ReplayResult> {
  let all: ReplayResult | undefined
  for (let round = 1; ; round++) {
    const replay = await replayPlan(plan, options)
    all = all === undefined ? replay : joinReplays(all, replay)
    const lag = await waitForEmptyLog(options.dataDir, emptyLogDeadlineMs, options.signal)
    if (Object.keys(lag).length > 0 && !options.signal.aborted) options.say(`still behind: ${JSON.stringify(lag)}`)
    const open = await waitUntilWhole(plan, options)
    if (open.length === 0 || round === replayRounds || options.signal.aborted) return all
    options.say(`asking again about ${open.length} flights that have no answer, or one without its features or its shadow`)
  }
}

/** How long a shadow may still be under way: nobody waits for it, and the gateway gives it 10 seconds. */
const shadowDeadlineMs = 15_000
const lookAgainMs = 500

/** The flights that are not stored whole once all that is under way must have ended. */
async function waitUntilWhole(plan: ReplayPlan, { warehouse, signal }: DemoOptions & { warehouse: Warehouse }): Promise<Flight[]> {
  const until = performance.now() + shadowDeadlineMs
  for (;;) {
    const { predictions } = await readStoredIds(warehouse, plan)
    const open = plan.flights.filter(({ id }) => predictions.get(id)?.isWhole !== true)
    if (open.length === 0 || performance.now() > until || signal.aborted) return open
    await delay(lookAgainMs, undefined, { signal })
  }
}

async function replayPlan(plan: ReplayPlan, options: DemoOptions & { warehouse: Warehouse }): Promise<ReplayResult> {
  const { system, warehouse, env, signal } = options
  const stored = await readStoredIds(warehouse, plan)
  // A request that fails ends the replay, and with it the others under way.
  const over = new AbortController()
  const progress = createProgress({ stream: process.stdout, now: Date.now })
  const apiKey = env['HINDSIGHT_API_KEY']
  try {
    return await replayDay({
      plan,
      stored,
      gatewayUrl: system.gatewayUrl,
      signal: abortedWith(signal, over.signal),
      onProgress: progress.update,
      ...(apiKey !== undefined && { apiKey }),
    })
  } finally {
    progress.stop()
    over.abort()
  }
}

function abortedWith(...signals: AbortSignal[]): AbortSignal {
  const any = AbortSignal.any(signals)
  setMaxListeners(0, any)
  return any
}

function whatIsMissing(project: Project): string | undefined {
  if (!project.models.has(model)) return `the model ${model}`
  if (!project.lookups.has('airport_time_zones')) return 'the lookup airport_time_zones'
  return project.sources.has('flight_landed') ? undefined : 'the source flight_landed'
}
