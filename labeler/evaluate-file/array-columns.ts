import { ServiceError } from '../../contracts/errors.ts'
import type { KnownColumns } from '../../platform/files/file-source.ts'

export type ArrayTask = 'binary' | 'classes' | 'regression'

/** Which columns of a file hold what. */
export type ArrayColumns = {
  score: string
  outcome: string
  weight?: string | undefined
  day?: string | undefined
  clusters: readonly string[]
  /** Of several classes, each class to the column of its probability. */
  probabilities: ReadonlyMap<string, string>
}

/** The columns that are read; all others are known too, and passed over. */
export const anyColumn: KnownColumns = { isKnown: () => true, description: 'any' }

/** Refuses a column that is meant for two things. */
export function checkColumns({ score, outcome, weight, day, clusters, probabilities }: ArrayColumns): void {
  const named = [score, outcome, ...(weight === undefined ? [] : [weight]), ...(day === undefined ? [] : [day]), ...clusters]
  const all = [...named, ...probabilities.values()]
  const twice = all.find((name, at) => all.indexOf(name) !== at)
  if (twice !== undefined) throw new ServiceError('invalid_config', `the column ${twice} cannot hold two things`, { path: twice })
}
