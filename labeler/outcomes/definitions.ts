import type { LabelDefinition } from '../../contracts/label-definition.ts'
import type { ModelDefinition } from '../../contracts/model-definition.ts'

/** The definitions that outcomes and evaluations are told by. A project has them. */
export type Definitions = {
  labels: ReadonlyMap<string, LabelDefinition>
  models: ReadonlyMap<string, { definition: ModelDefinition }>
}
