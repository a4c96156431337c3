import type { Deployment, DeploymentChange } from '../../contracts/deployment.ts'
import { ServiceError } from '../../contracts/errors.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import { checkDeployment } from '../../platform/project/check-model.ts'
import { createProblemList, toProblem } from '../../platform/project/problems.ts'
import type { ProjectModel } from '../../platform/project/project.ts'

type RevisionInput = {
  wanted: DeploymentChange
  author: string
  stands: Deployment
  /** A later deployment that could not take effect: the revision of the change is above it. */
  waiting: Deployment | undefined
  at: number
}

/** The deployment that a change asks for, on top of the one that stands. */
export function toNext({ wanted, author, stands, waiting, at }: RevisionInput): Deployment {
  const { based_on: basedOn, ...rest } = wanted
  if (basedOn !== undefined && basedOn !== stands.revision)
    throw new ServiceError('deployment_conflict', `revision ${stands.revision} stands, not ${basedOn}`, { path: 'based_on' })
  return { ...rest, revision: Math.max(stands.revision, waiting?.revision ?? 0) + 1, author, changed_at: toTimestamp(at) }
}

/** Throws `invalid_request` with the first field at fault. */
export function refuseContradictions(
  deployment: Deployment,
  model: Pick<ProjectModel, 'definition'> & { known: ReadonlySet<string> },
): void {
  const list = createProblemList()
  const report = (path: readonly (string | number)[], message: string, hint?: string) =>
    list.add(toProblem({ file: 'deployment', path, message, hints: [hint] }))
  const warn: typeof report = (path, message) => toProblem({ file: 'deployment', path, message })
  checkDeployment({ deployment, model: model.definition, versions: model.known, reports: { report, warn } })
  const [first] = list.problems
  if (first === undefined) return
  const { path, hint, message } = first
  throw new ServiceError('invalid_request', message, { ...(path !== undefined && { path }), ...(hint !== undefined && { hint }) })
}
