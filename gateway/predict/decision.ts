import type { ModelDefinition } from '../../contracts/model-definition.ts'
import type { PredictionEvent } from '../../contracts/prediction-event.ts'
import type { Outputs } from '../inference/tensors.ts'

/** The decision that model.yaml draws from the outputs: `above` from the threshold on, else `below`. */
export function decide(definition: Pick<ModelDefinition, 'decision'>, outputs: Outputs): PredictionEvent['decision'] {
  if (definition.decision === undefined) return undefined
  const { output, threshold, above, below } = definition.decision
  const score = outputs[output]
  if (typeof score !== 'number') return undefined
  return { threshold, value: score >= threshold ? above : below }
}
