import type { Project } from '../../platform/project/project.ts'
import { describeProblem, unservedOf } from '../deploy/versions-of.ts'
import type { ServingModels } from '../predict/serving-model.ts'

/** A model that answers nothing, its champion being refused or the model itself. */
export type NotServed = { model: string; version?: string; reason: string }

/** Models of the project whose champion does not answer, and why. */
export function notServed(models: ServingModels, { problems }: Pick<Project, 'problems'>): NotServed[] {
  const withoutChampion = [...models].flatMap(([model, serving]) => {
    const missing = unservedOf(serving).find(({ version }) => version === serving.deployment.champion)
    return missing === undefined ? [] : [{ model, ...missing }]
  })
  const errors = problems.filter(({ severity, file }) => severity === 'error' && !isOfDefinitions(file))
  const broken = new Map(
    errors
      .toReversed()
      .map((problem) => [problem.file.split('/', 1)[0]!, problem.file.includes('/') ? describeProblem(problem)! : problem.message]),
  )
  return [...withoutChampion, ...[...broken].flatMap(([model, reason]) => (models.has(model) ? [] : [{ model, reason }]))]
}

const definitions = ['sources', 'features', 'labels', 'lookups', '.']

function isOfDefinitions(file: string): boolean {
  return definitions.includes(file.split('/', 1)[0]!)
}
