import type { Command } from 'commander'
import { windowOf } from '../contracts/feature-window.ts'
import type { Project, ProjectModel, ProjectProblem } from '../platform/project/project.ts'
import { jsonOption, projectOption } from '../platform/command/options.ts'

export function registerCheckCommand(program: Command): void {
  program
    .command('check')
    .description('check a project folder: every file, every reference, every model version in ONNX Runtime')
    .addOption(projectOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExit status 1 when there is an error; warnings refuse nothing.')
    .action(async (options: { project: string; json?: boolean }) => {
      const { loadProject } = await import('../platform/project/load-project.ts')
      const { project, holdsProcess } = await checkProject(await loadProject(options.project))
      process.stdout.write(options.json ? `${JSON.stringify(toReport(project))}\n` : `${toText(project)}\n`)
      if (project.problems.some(isError)) process.exitCode = 1
      if (holdsProcess) process.exit()
    })
}

/** The project with what a gateway would refuse of its versions: found by opening each and running its golden requests. */
export async function checkProject(project: Project): Promise<{ project: Project; holdsProcess: boolean }> {
  if ([...project.models.values()].every(({ versions }) => versions.size === 0)) return { project, holdsProcess: false }
  const { createServiceLogger } = await import('../platform/service/logging-pino.ts')
  const { checkVersions } = await import('../gateway/check-versions.ts')
  const { problems, holdsProcess } = await checkVersions(project, createServiceLogger({ service: 'check', level: 'fatal' }).logger)
  return { project: withRefused(project, problems), holdsProcess }
}

function withRefused(project: Project, problems: readonly ProjectProblem[]): Project {
  const models = [...project.models].map(([name, model]): [string, ProjectModel] => {
    const found = [...model.versions.keys()].map((version) => [version, problemOf(`${name}/${version}/`, problems)] as const)
    const refused = found.flatMap(([version, problem]) => (problem === undefined ? [] : [[version, problem] as const]))
    const versions = [...model.versions].filter(([version]) => refused.every(([other]) => other !== version))
    return [name, { ...model, versions: new Map(versions), refused: new Map([...model.refused, ...refused]) }]
  })
  return { ...project, models: new Map(models), problems: [...project.problems, ...problems] }
}

function problemOf(folder: string, problems: readonly ProjectProblem[]): ProjectProblem | undefined {
  return problems.find(({ file }) => file.startsWith(folder))
}

/** What the project holds, and every problem with its file, field and hint. */
export function toReport(project: Project) {
  return {
    project: project.dir,
    ok: !project.problems.some(isError),
    problems: project.problems,
    sources: [...project.sources.keys()],
    feature_views: [...project.views.keys()],
    windows: toWindows(project),
    labels: [...project.labels.keys()],
    models: [...project.models.values()].map((model) => ({
      model: model.definition.name,
      versions: [...model.versions.keys()],
      refused: [...model.refused.keys()],
      champion: model.deployment.champion,
    })),
  }
}

function toText(project: Project): string {
  const errors = project.problems.filter(isError).length
  const warnings = project.problems.length - errors
  const summary = [
    count(project.models.size, 'model'),
    count(
      [...project.models.values()].reduce((sum, model) => sum + model.versions.size, 0),
      'version',
    ),
    count(project.views.size, 'feature view'),
    count(project.labels.size, 'label'),
    count(project.sources.size, 'source'),
  ].join(', ')
  const verdict = errors === 0 ? `ok: ${summary}` : `${count(errors, 'error')} (${summary})`
  return [
    ...toWindowLines(project),
    ...project.problems.map(toProblemText),
    `${verdict}${warnings === 0 ? '' : `, ${count(warnings, 'warning')}`}`,
  ].join('\n')
}

/** The interval of events that each feature of a view holds; without a window, all of time. */
function toWindows(project: Pick<Project, 'views'>) {
  return [...project.views.values()].flatMap((view) =>
    view.features.map((feature) => ({ view: view.name, feature: feature.name, ...windowOf(view, feature) })),
  )
}

/** Lines with views, features and the intervals that they hold, in one column each. */
export function toWindowLines(project: Pick<Project, 'views'>): string[] {
  const windows = toWindows(project).map(({ view, feature, interval }) => [`${view}.${feature}`, interval ?? 'all of time'] as const)
  const width = Math.max(0, ...windows.map(([name]) => name.length))
  return windows.map(([name, interval]) => `${name.padEnd(width)}  ${interval}`)
}

/** `file: field: message`, and the hint on a line of its own. */
export function toProblemText(problem: ProjectProblem): string {
  const where = problem.path === undefined ? problem.file : `${problem.file}: ${problem.path}`
  return `${problem.severity}: ${where}: ${problem.message}${problem.hint === undefined ? '' : `\n  hint: ${problem.hint}`}`
}

/**
 * Errors that keep the project from serving: those of what models share, and all of them where no model is left. Those of a
 * model refuse that model, or one of its versions, alone.
 */
export function problemsThatStop({ models, problems }: Project): ProjectProblem[] {
  const errors = problems.filter(isError)
  return models.size === 0 ? errors : errors.filter(({ file }) => isShared(file))
}

function isShared(file: string): boolean {
  return ['sources', 'features', 'labels', 'lookups', '.'].includes(file.split('/', 1)[0]!)
}

function isError(problem: ProjectProblem): boolean {
  return problem.severity === 'error'
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
