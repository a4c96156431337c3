import type { ModelStatus } from '../status/model-status.ts'
import type { ReadinessNotes } from '../status/readiness.ts'

/** What a worker answers at `/readyz`. */
export type WorkerReadiness = ReadinessNotes & { ready: boolean; checks: Record<string, boolean> }

/** The part of a worker's answer at `/status` that is about the project's models. */
export type WorkerStatus = ReadinessNotes & { models?: ModelStatus[] }

/** Merges the workers' checks: ready as long as one worker is, and without a served model when all that answer say so. */
export function mergeChecks(answers: readonly WorkerReadiness[]): Record<string, boolean> {
  const servesNone = ({ checks }: WorkerReadiness) => checks['a_model_is_served'] === false
  return { a_worker: answers.some(({ ready }) => ready), a_model_is_served: answers.length === 0 || !answers.every(servesNone) }
}

/** Every note that holds of any worker, once. */
export function mergeNotes(answers: readonly ReadinessNotes[]): ReadinessNotes {
  const views = answers.flatMap(({ views_not_filled: names }) => (names === undefined ? [] : [names]))
  const notServed = new Map(
    answers.flatMap(({ models_not_served: models = [] }) => models).map((model) => [JSON.stringify([model.model, model.version]), model]),
  )
  return {
    ...(views.length > 0 && { views_not_filled: [...new Set(views.flat())] }),
    ...(notServed.size > 0 && { models_not_served: [...notServed.values()] }),
  }
}

/** Lists each model once, with the versions that every worker holds and those that any refused. */
export function mergeModels(answers: readonly WorkerStatus[]): ModelStatus[] {
  const merged = new Map<string, ModelStatus>()
  for (const model of answers.flatMap(({ models = [] }) => models)) {
    const { versions = model.versions, refused = {} } = merged.get(model.model) ?? {}
    merged.set(model.model, {
      ...model,
      versions: versions.filter((version) => model.versions.includes(version)),
      refused: { ...refused, ...model.refused },
    })
  }
  return [...merged.values()]
}
