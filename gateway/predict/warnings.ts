import type { ServedFeature } from '../../contracts/prediction-event.ts'

/** What a caller should know about the features an answer rests on, as `feature x is missing: anchor_too_old`. */
export function warningsOf(features: readonly ServedFeature[]): string[] {
  return features
    .filter(({ status }) => status !== 'ok')
    .map(({ name, status, reason }) => (reason === undefined ? `feature ${name} is ${status}` : `feature ${name} is ${status}: ${reason}`))
}
