import type { Deployment, DeploymentChange } from '../../contracts/deployment.ts'
import { ServiceError } from '../../contracts/errors.ts'
import { toTimestamp } from '../../contracts/primitives.ts'
import { checkDeployment } from '../../platform/project/check-model.ts'
import { createProblemList, toProblem } from '../../platform/project/problems.ts'
import type { ProjectModel } from '../../platform/project/project.ts'

type Next = { wanted: DeploymentChange; author: string; before: Deployment; at: number }

/** The deployment that a change asks for, on top of the one that stands. */
export function toNext({ wanted, author, before, at }: Next): Deployment {
  const { based_on: basedOn, ...rest } = wanted
  if (basedOn !== undefined && basedOn !== before.revision)
    throw new ServiceError('deployment_conflict', `revision ${before.revision} stands, not ${basedOn}`, { path: 'based_on' })
  return { ...rest, revision: before.revision + 1, author, changed_at: toTimestamp(at) }
}

/** Throws `invalid_request` with the first field at fault. */
export function refuseContradictions(deployment: Deployment, { definition, versions, refused }: ProjectModel): void {
  const list = createProblemList()
  const report = (path: readonly (string | number)[], message: string, hint?: string) =>
    list.add(toProblem({ file: 'deployment', path, message, hints: [hint] }))
  const warn: typeof report = (path, message) => toProblem({ file: 'deployment', path, message })
  const known = new Set([...versions.keys(), ...refused.keys()])
  checkDeployment({ deployment, model: definition, versions: known, reports: { report, warn } })
  const [first] = list.problems
  if (first === undefined) return
  const { path, hint, message } = first
  throw new ServiceError('invalid_request', message, { ...(path !== undefined && { path }), ...(hint !== undefined && { hint }) })
}
