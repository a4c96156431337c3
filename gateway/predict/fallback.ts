import type { ServiceError } from '../../contracts/errors.ts'
import { WouldBeLate } from '../bounds/would-be-late.ts'
import type { InferenceEngine } from '../inference/inference.ts'
import { decide } from './decision.ts'
import type { Execution, InstanceResult } from './prediction.ts'
import type { Routed } from './routing.ts'
import type { ServingModel, ServingVersion } from './serving-model.ts'

type Constant = { kind: 'constant'; outputs: Readonly<Record<string, string | number | boolean>> }

/** What stands in for a version that does not answer in time, as model.yaml has it. */
export type Fallback = Constant | { kind: 'version'; serving: ServingVersion }

export type RunEstimate = Pick<InferenceEngine, 'estimateUs'>

/** The largest share of a budget that is kept for another version to answer. */
const mostOfBudget = 1 / 4
/** What another version needs beyond its run, to be reached: deadlines are kept to within some milliseconds. */
export const reachMs = 5

/** The fallback of a routed version. None for a pinned version, which answers or fails, and none that is the version itself or is not served. */
export function fallbackOf(model: ServingModel, { route, serving }: Routed): Fallback | undefined {
  const { fallback } = serving.definition
  if (fallback === undefined || route === 'pinned') return undefined
  if ('outputs' in fallback) return { kind: 'constant', outputs: fallback.outputs }
  const other = model.versions.get(fallback.version)
  return other === undefined || other === serving ? undefined : { kind: 'version', serving: other }
}

/** Milliseconds of a budget to keep for a fallback. */
export function fallbackReserveMs(
  inference: RunEstimate,
  fallback: Fallback | undefined,
  request: { rows: number; budgetMs: number },
): number {
  if (fallback?.kind !== 'version') return 0
  const runMs = inference.estimateUs(fallback.serving.sessionId, request.rows) / 1000
  return Math.min(reachMs + 2 * runMs, request.budgetMs * mostOfBudget)
}

/** Whether a result came too late, or would: what a fallback is for, unlike a fault of the instance's own. */
export function isLate({ error }: InstanceResult): boolean {
  return error?.code === 'deadline_exceeded' || error instanceof WouldBeLate
}

/** The execution with the constant in the place of what was late. */
export function withConstant({ outputs }: Constant, { serving }: Routed, execution: Execution): Execution {
  const { definition } = serving
  const warning = `version ${serving.version} did not answer in time; the constant of model.yaml did`
  const results = execution.results.map((result): InstanceResult => {
    const { instance, features } = result
    // A caller that asked in tensors gets tensors, and a constant has none.
    if (!isLate(result) || instance.row !== undefined) return result
    return { instance, features, outputs: { ...outputs }, decision: decide(definition, outputs), fallback: { name: 'constant', warning } }
  })
  return { ...execution, results }
}

/** The other version's results, marked as such; undefined where it did not come to an answer either. */
export function standIn(execution: Execution, { late, other }: { late: ServingVersion; other: ServingVersion }): Execution | undefined {
  const isSilent = (result: InstanceResult) => isLate(result) || silentCodes.includes(result.error?.code)
  if (execution.results.some(isSilent)) return undefined
  const warning = `version ${late.version} did not answer in time; version ${other.version} did`
  const results = execution.results.map((result): InstanceResult =>
    result.error === undefined ? { ...result, fallback: { name: 'version', warning } } : result,
  )
  return { ...execution, results }
}

const silentCodes: readonly (ServiceError['code'] | undefined)[] = ['cancelled', 'overloaded']
