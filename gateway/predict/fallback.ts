import type { ServiceError } from '../../contracts/errors.ts'
import { WouldBeLate } from '../bounds/would-be-late.ts'
import { decide } from './decision.ts'
import type { Deadline } from './deadline.ts'
import { execute, type ExecuteDeps, type Execution } from './execute.ts'
import type { Routed } from './routing.ts'
import type { SeenFeatures } from './run-version.ts'
import type { ServingModel, ServingVersion } from './serving-model.ts'
import { type Instance, type InstanceResult } from './prediction.ts'

/** What stands in for a version that does not answer in time, as model.yaml has it. */
export type Fallback =
  | { kind: 'constant'; outputs: Readonly<Record<string, string | number | boolean>> }
  | { kind: 'version'; serving: ServingVersion }

/** The largest share of a budget that is kept for another version to answer. */
const mostOfBudget = 1 / 4
/** What another version needs beyond its run, to be reached. */
const reachMs = 2

/** None for a pinned version, which answers or fails, and none that is the version itself or is not served. */
export function fallbackOf(model: ServingModel, { route, serving }: Routed): Fallback | undefined {
  const { fallback } = serving.definition
  if (fallback === undefined || route === 'pinned') return undefined
  if ('outputs' in fallback) return { kind: 'constant', outputs: fallback.outputs }
  const other = model.versions.get(fallback.version)
  return other === undefined || other === serving ? undefined : { kind: 'version', serving: other }
}

/** Milliseconds of a budget to keep for a fallback. */
export function fallbackReserveMs(deps: ExecuteDeps, fallback: Fallback | undefined, request: { rows: number; budgetMs: number }): number {
  if (fallback?.kind !== 'version') return 0
  const runMs = deps.inference.estimateUs(fallback.serving.sessionId, request.rows) / 1000
  return Math.min(reachMs + 2 * runMs, request.budgetMs * mostOfBudget)
}

type LateAnswer = {
  fallback: Fallback
  routed: Routed
  execution: Execution
  instances: readonly Instance[]
  read: Promise<SeenFeatures>
  deadline: Deadline
}

/**
 * The answers that stand in, and who gave them; undefined when nothing was late, or when the other version does not answer
 * either. Instances that failed for a reason of their own keep it.
 */
export async function fallBack(deps: ExecuteDeps, late: LateAnswer): Promise<{ routed: Routed; execution: Execution } | undefined> {
  const { fallback, routed, execution, instances, read, deadline } = late
  if (!execution.results.some(({ error }) => isLate(error))) return undefined
  if (fallback.kind === 'constant') {
    const results = execution.results.map((result) => (isLate(result.error) ? toConstant(fallback.outputs, routed, result) : result))
    return { routed, execution: { ...execution, results } }
  }
  const standIn = { ...routed, serving: fallback.serving }
  const second = await execute(deps, { routed: standIn, instances, read, deadline })
  if (second.results.some(({ error }) => isLate(error) || error?.code === 'cancelled' || error?.code === 'overloaded')) return undefined
  const instead = `version ${routed.serving.version} did not answer in time; version ${fallback.serving.version} did`
  const results = second.results.map((result) =>
    result.error === undefined ? { ...result, fallback: { name: 'version', warning: instead } } : result,
  )
  return { routed: standIn, execution: { ...second, results } }
}

/** A caller that asked in tensors gets tensors, and a constant has none. */
function toConstant(
  outputs: Extract<Fallback, { kind: 'constant' }>['outputs'],
  { serving }: Routed,
  result: InstanceResult,
): InstanceResult {
  const { instance, features } = result
  if (instance.row !== undefined) return result
  const { definition } = serving
  const warning = `version ${serving.version} did not answer in time; the constant of model.yaml did`
  return { instance, features, outputs: { ...outputs }, decision: decide(definition, outputs), fallback: { name: 'constant', warning } }
}

function isLate(error: ServiceError | undefined): boolean {
  return error?.code === 'deadline_exceeded' || error instanceof WouldBeLate
}
