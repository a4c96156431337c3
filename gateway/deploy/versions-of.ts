import type { Deployment } from '../../contracts/deployment.ts'
import type { ServingModel } from '../predict/serving-model.ts'
import type { ProjectModel, ProjectProblem, ProjectVersion } from '../../platform/project/project.ts'

/** The versions that a deployment names, with the field that does. */
export function pathsTo({
  champion,
  challengers,
  shadows,
}: Pick<Deployment, 'champion' | 'challengers' | 'shadows'>): { version: string; path: string }[] {
  return [
    { version: champion, path: 'champion' },
    ...challengers.map(({ version }, index) => ({ version, path: `challengers[${index}].version` })),
    ...shadows.map((version, index) => ({ version, path: `shadows[${index}]` })),
  ]
}

/** The versions that the deployment names and that answer nothing, and why. */
export function unservedOf({ deployment, versions, refused }: Pick<ServingModel, 'deployment' | 'versions' | 'refused'>) {
  const missing = pathsTo(deployment).filter(({ version }) => !versions.has(version))
  return missing.map(({ version }) => ({ version, reason: refused.get(version) ?? 'it is not in the project' }))
}

/** The versions to hold in memory, in the project's order: those named, the fallback, and by default every other one. */
export function wantedBy(deployment: Deployment, { definition, versions, refused }: ProjectModel): string[] {
  const { fallback } = definition
  const named = new Set(pathsTo(deployment).map(({ version }) => version))
  if (fallback !== undefined && 'version' in fallback && versions.has(fallback.version)) named.add(fallback.version)
  const known = [...versions.keys(), ...refused.keys()].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  return [...new Set([...known.filter((version) => deployment.loaded === 'all' || named.has(version)), ...named])]
}

export function isSameVersion(one: ProjectVersion, other: ProjectVersion): boolean {
  return one.manifestSha256 === other.manifestSha256 && one.modelSha256 === other.modelSha256
}

export function describeProblem(problem: ProjectProblem | undefined): string | undefined {
  if (problem === undefined) return undefined
  const { file, path, message } = problem
  return path === undefined ? `${file}: ${message}` : `${file}: ${path}: ${message}`
}
