import { setTimeout as delay } from 'node:timers/promises'
import type { SkewReport } from '../../features/offline/skew.ts'
import type { Evaluation, EvaluationGroup } from '../../labeler/evaluate/evaluation.ts'
import type { ReconcileReport } from '../../logger/reconcile/reconcile.ts'
import type { Warehouse } from '../../platform/warehouse/warehouse.ts'
import type { ReplayResult } from './replay-day.ts'
import type { ReplayPlan } from './replay-plan.ts'
import { tagOf } from './messages.ts'
import { readStoredIds, type StoredIds } from './stored-ids.ts'

/** The results of a replay, as the warehouse shows them. */
export type DemoFacts = {
  replay: ReplayResult
  /** Answered request ids that the warehouse does not have: what must never be. */
  lost: string[]
  /** Stored predictions of the plan's flights, in this run or an earlier one, shadows apart: those that count, and why others do not. */
  stored: Record<'attempts' | 'counted' | 'unanswered' | 'repeated', number>
  /** Flights whose answer or shadow is missing or went without features. */
  incomplete: number
  /** Landings of the plan that are stored as feature events, and those in rejects. */
  featureEvents: number
  rejects: number
  /** Flights with a possible delay and a prediction that counts: each should have its label. */
  labelsDue: number
  evaluation: Evaluation
  skew: SkewReport
  reconcile: Pick<ReconcileReport, 'ok' | 'totals'>
}

export type CollectFacts = {
  warehouse: Warehouse
  plan: ReplayPlan
  replay: ReplayResult
  /** The services' own measures over the plan's anchor times, `from` inclusive, `to` exclusive. */
  evaluate(range: { from: Date; to: Date; tags: readonly string[] }): Promise<Evaluation>
  measureSkew(range: { from: Date; to: Date }): Promise<SkewReport>
  reconcile(): Promise<Pick<ReconcileReport, 'ok' | 'totals'>>
  signal?: AbortSignal
  /** The longest wait for the logger, in milliseconds. */
  waitMs?: number
}

const pollMs = 250

/** Waits until all that was sent is stored, or the time is up, and measures. */
export async function collectFacts(options: CollectFacts): Promise<DemoFacts> {
  const { warehouse, plan, replay } = options
  const stored = await waitUntilStored(options)
  const range = { from: new Date(plan.anchorFromMs), to: new Date(plan.anchorToMs) }
  const landings = new Set(plan.steps.flatMap((step) => step.landings.map(({ id }) => id)))
  const [rejected] = await warehouse.query<{ ids: string[] }>(
    `SELECT groupUniqArray(id) AS ids FROM bronze.rejects WHERE kind = 'reject' AND name = 'flight_landed'`,
  )
  const rejects = (rejected?.ids ?? []).filter((id) => landings.has(id)).length
  return {
    replay,
    lost: replay.answered.filter((id) => !stored.predictions.has(id)),
    stored: sumOf(plan.flights.map(({ id }) => stored.predictions.get(id) ?? nothing)),
    incomplete: plan.flights.filter(({ id }) => stored.predictions.get(id)?.isWhole !== true).length,
    featureEvents: [...landings].filter((id) => stored.events.has(id)).length - rejects,
    rejects,
    labelsDue: plan.flights.filter((flight) => plan.isPossible(flight) && (stored.predictions.get(flight.id)?.counted ?? 0) > 0).length,
    evaluation: await options.evaluate({ ...range, tags: [...new Set(plan.flights.map(tagOf))] }),
    skew: await options.measureSkew(range),
    reconcile: await options.reconcile(),
  }
}

const nothing = { attempts: 0, counted: 0, unanswered: 0, repeated: 0 }

function sumOf(flights: readonly DemoFacts['stored'][]): DemoFacts['stored'] {
  const sum = { ...nothing }
  for (const flight of flights) for (const name of ['attempts', 'counted', 'unanswered', 'repeated'] as const) sum[name] += flight[name]
  return sum
}

async function waitUntilStored({ warehouse, plan, replay, signal, waitMs = 60_000 }: CollectFacts): Promise<StoredIds> {
  const landings = plan.steps.flatMap((step) => step.landings)
  const until = performance.now() + waitMs
  for (;;) {
    const stored = await readStoredIds(warehouse, plan)
    const labelled = plan.flights.filter((flight) => plan.isPossible(flight) && stored.predictions.has(flight.id))
    const complete =
      replay.answered.every((id) => stored.predictions.has(id)) &&
      landings.every(({ id }) => stored.events.has(id)) &&
      labelled.every(({ id }) => stored.labels.has(id))
    if (complete || performance.now() > until) return stored
    await delay(pollMs, undefined, signal && { signal })
  }
}

/** The served and the shadow version's group, if there are such. */
export function groupOf(evaluation: Evaluation, version: string): EvaluationGroup | undefined {
  return evaluation.groups.find((group) => group.model_version === version && isReplayed(group))
}

/** Whether the replay sent the group's predictions: champion and shadows see every flight, and pinned requests are someone else's. */
function isReplayed({ route }: EvaluationGroup): boolean {
  return route === 'champion' || route === 'shadow'
}

export function metricOf(group: EvaluationGroup | undefined, name: string): EvaluationGroup['metrics'][number] | undefined {
  return group?.metrics.find((metric) => metric.name === name)
}

const baselineVersion = '1'
const windowVersion = '2'

type Evaluated = Record<'predictions' | 'leftOut' | 'errors' | 'labeled', number>

/** The counts of an evaluation over all versions, of predictions that answered or of shadows. */
export function evaluatedOf(evaluation: Evaluation, who: 'answering' | 'shadow'): Evaluated {
  const sum = { predictions: 0, leftOut: 0, errors: 0, labeled: 0 }
  const routes = who === 'shadow' ? ['shadow'] : ['champion', 'challenger']
  for (const { counts } of evaluation.groups.filter(({ route = '' }) => routes.includes(route))) {
    sum.predictions += counts.predictions
    sum.labeled += counts.labeled
    sum.leftOut += counts.unanswered + counts.repeated
    sum.errors += counts.errors
  }
  return sum
}

/** A line for each thing that is not as it should be; none when the demo passed. */
export function failuresOf(facts: DemoFacts): string[] {
  const { replay, lost, labelsDue, evaluation, skew, reconcile } = facts
  const { labeled } = evaluatedOf(evaluation, 'answering')
  const unanswered = Object.values(replay.unanswered).reduce((sum, count) => sum + count, 0)
  const checks: [failed: boolean, message: string][] = [
    [unanswered > 0, `${unanswered} requests got no answer: ${JSON.stringify(replay.unanswered)}`],
    [lost.length > 0, `${lost.length} answered predictions are not stored, the first is ${lost[0]}`],
    ...countChecks(facts),
    [
      !reconcile.ok,
      `reconcile: ${reconcile.totals.missing} records are missing, ${reconcile.totals.double_payloads} ids have two payloads`,
    ],
    [labeled !== labelsDue, `${labeled} of ${labelsDue} labels are joined`],
    ...versionChecks(evaluation),
    [skew.unexplained > 0, `${skew.unexplained} served features differ from what their events give`],
    [skew.late > 0, `${skew.late} served features differ from the full information`],
  ]
  return checks.filter(([failed]) => failed).map(([, message]) => message)
}

/** The version with windows ranks better than the one without. Where outcomes do not define the figure for either, nothing is judged. */
function versionChecks(evaluation: Evaluation): [failed: boolean, message: string][] {
  const [baseline, windows] = [baselineVersion, windowVersion].map((version) => groupOf(evaluation, version))
  const [before, after] = [baseline, windows].map((group) => metricOf(group, 'roc_auc')?.value)
  const isJudged = baseline !== undefined && windows !== undefined && (before !== undefined || after !== undefined)
  return [
    [baseline === undefined, `version ${baselineVersion} is not evaluated`],
    [windows === undefined, `version ${windowVersion} is not evaluated`],
    [isJudged && !(Number(after) > Number(before)), `the window version's ROC AUC (${after}) does not beat the baseline's (${before})`],
  ]
}

/** Flights, predictions, what was left out of them and what was evaluated are one account. */
function countChecks({ replay: { flights }, stored, incomplete, evaluation }: DemoFacts): [failed: boolean, message: string][] {
  const { attempts, counted, unanswered, repeated } = stored
  const answering = evaluatedOf(evaluation, 'answering')
  const shadow = evaluatedOf(evaluation, 'shadow')
  return [
    [counted !== flights, `${counted} predictions count, of ${flights} flights`],
    [incomplete > 0, `${incomplete} flights lack an answer, or it lacks features or a shadow`],
    [
      attempts !== counted + unanswered + repeated,
      `${attempts} predictions are stored, and ${counted} count beside ${unanswered} unanswered and ${repeated} repeated`,
    ],
    [answering.predictions !== flights, `${answering.predictions} predictions are evaluated, of ${flights} flights`],
    [
      answering.leftOut !== unanswered + repeated,
      `the evaluation leaves ${answering.leftOut} predictions out, where ${unanswered + repeated} do not count`,
    ],
    [
      shadow.predictions % flights !== 0 || shadow.errors > 0,
      `${shadow.predictions} shadows are evaluated, of ${flights} flights, ${shadow.errors} of them without a score`,
    ],
  ]
}
