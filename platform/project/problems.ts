import { toFieldPath } from '../../contracts/errors.ts'
import type { ProjectProblem } from './project.ts'

export type FieldPath = readonly (string | number)[]

/** Reports a problem at a field of one file. */
export type Report = (path: FieldPath, message: string, hint?: string) => ProjectProblem

export type ProblemList = {
  readonly problems: ProjectProblem[]
  add(problem: ProjectProblem): ProjectProblem
}

export function createProblemList(): ProblemList {
  const problems: ProjectProblem[] = []
  return {
    problems,
    add: (problem) => {
      problems.push(problem)
      return problem
    },
  }
}

export type ProblemAt = {
  severity?: ProjectProblem['severity']
  file: string
  path?: FieldPath
  message: string
  hints?: (string | undefined)[]
}

export function toProblem({ severity = 'error', file, path = [], message, hints = [] }: ProblemAt): ProjectProblem {
  const hint = hints.filter((part) => part !== undefined && part !== '').join('; ')
  return {
    severity,
    file,
    message,
    ...(path.length > 0 && { path: toFieldPath(path) }),
    ...(hint !== '' && { hint }),
  }
}
