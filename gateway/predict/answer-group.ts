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

export type GroupAnswer = { group: Group; routed: Routed; execution: Execution }

type Under = { read: Promise<SeenFeatures>; deadline: Deadline }

export async function runGroup(deps: ExecuteDeps, group: Group, under: Under): Promise<GroupAnswer> {
  const { routed, instances } = group
  const { read, deadline } = under
  return { group, routed, execution: await execute(deps, { routed, instances, read, deadline }) }
}

/** The same answer, or what stands in for those that came too late. */
export async function completeGroup(deps: ExecuteDeps, answer: GroupAnswer, under: Under): Promise<GroupAnswer> {
  const { group, routed, execution } = answer
  if (group.fallback === undefined) return answer
  const late = await fallBack(deps, { fallback: group.fallback, routed, execution, instances: group.instances, ...under })
  return late === undefined ? answer : { group, ...late }
}

/** Nearly every request is one group, and does without the turns of `Promise.all`. */
export async function forEach<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const [only] = items
  return only !== undefined && items.length === 1 ? [await work(only)] : Promise.all(items.map(work))
}
