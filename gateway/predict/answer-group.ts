import type { Deadline } from './deadline.ts'
import { execute, type ExecuteDeps, type Execution } from './execute.ts'
import { type Fallback, fallBack, fallbackOf } from './fallback.ts'
import { routeRequest, type Routed, type Routing } from './routing.ts'
import type { SeenFeatures } from './run-version.ts'
import type { ServingModel } from './serving-model.ts'

/** Instances that one version answers, and what stands in for it. */
export type Group = Routing & { fallback: Fallback | undefined }

export function groupRequest(
  model: ServingModel,
  asked: Parameters<typeof routeRequest>[1],
): { groups: Group[]; shadows: Routed[]; all: Routed[] } {
  const { answering, shadows } = routeRequest(model, asked)
  const groups = answering.map(({ routed, instances }) => ({ routed, instances, fallback: fallbackOf(model, routed) }))
  const all = groups.map(({ routed }) => routed)
  for (const { routed, fallback } of groups) if (fallback?.kind === 'version') all.push({ ...routed, serving: fallback.serving })
  return { groups, shadows, all: all.concat(shadows) }
}

/** `routed`: who answered in the end. */
export type GroupAnswer = { routed: Routed; execution: Execution }

type GroupDeadline = { read: Promise<SeenFeatures>; deadline: Deadline }

export function runGroup(deps: ExecuteDeps, { routed, instances }: Group, { read, deadline }: GroupDeadline): Promise<Execution> {
  return execute(deps, { routed, instances, read, deadline })
}

/** The answer of each group, or what stands in for it where it came too late. */
export async function completeGroups(
  deps: ExecuteDeps,
  groups: readonly Group[],
  { executions, read, deadline }: GroupDeadline & { executions: readonly Execution[] },
): Promise<GroupAnswer[]> {
  const answers = groups.map(({ routed }, index) => ({ routed, execution: executions[index]! }))
  if (groups.every(({ fallback }) => fallback === undefined)) return answers
  return forEach(groups, (group, index) => completeGroup(deps, group, { answer: answers[index]!, read, deadline }))
}

async function completeGroup(deps: ExecuteDeps, group: Group, bounds: GroupDeadline & { answer: GroupAnswer }): Promise<GroupAnswer> {
  const { fallback, routed, instances } = group
  const { answer, read, deadline } = bounds
  if (fallback === undefined) return answer
  return (await fallBack(deps, { fallback, routed, execution: answer.execution, instances, read, deadline })) ?? answer
}

/** Nearly every request is one group, and does without the turns of `Promise.all`. */
export async function forEach<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const [only] = items
  return only !== undefined && items.length === 1 ? [await work(only, 0)] : Promise.all(items.map(work))
}
