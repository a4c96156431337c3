import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const models = fileURLToPath(new URL('../../models', import.meta.url))
const budgetMs = 30_000

/**
 * A copy of the example project in `dir`, whose model has all the time it wants: a test machine may be slower than a latency
 * budget allows for, and a request cannot ask for more. Gives its path.
 */
export function writePatientProject(dir: string): string {
  const project = join(dir, 'example')
  cpSync(models, project, { recursive: true, filter: (path) => !['demo', 'train'].includes(basename(path)) })
  const file = join(project, 'flight-delay/model.yaml')
  const text = readFileSync(file, 'utf8')
  const patient = text.replace(/^latency_budget_ms: .*$/m, `latency_budget_ms: ${budgetMs}`)
  if (patient === text) throw new Error(`${file} has no latency_budget_ms`)
  writeFileSync(file, patient)
  return project
}
