import type { ServedFeature } from '../../contracts/prediction-event.ts'
import { storeUnavailable } from '../../features/assembly/serve-feature.ts'
import { type Instance } from './prediction.ts'

export const requestIdReused = 'request_id_reused: the id was sent before with another question, and a label by it reaches both'

/** What a caller should know about the id and the features an answer rests on, as `feature x is missing: anchor_too_old`. */
export function warningsOf({ reusesId }: Pick<Instance, 'reusesId'>, features: readonly ServedFeature[]): string[] {
  const unread = features.some(({ reason }) => reason === storeUnavailable)
  const general = [
    ...(reusesId ? [requestIdReused] : []),
    ...(unread ? ['online_store_unavailable: the answer does without online features'] : []),
  ]
  return [...general, ...features.filter(({ status }) => status !== 'ok').map(toWarning)]
}

function toWarning({ name, status, reason }: ServedFeature): string {
  return reason === undefined ? `feature ${name} is ${status}` : `feature ${name} is ${status}: ${reason}`
}
