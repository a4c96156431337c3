import type { LabelDefinitions, LabelType } from '../import/label-value.ts'

const types: readonly LabelType[] = [
  { name: 'late', type: 'binary' },
  { name: 'arrived_late', type: 'binary' },
  { name: 'minutes', type: 'number' },
  { name: 'price', type: 'number' },
  { name: 'stage', type: 'category', categories: ['open', '1', '2', '1000', 'true', '1.50'] },
]

/** A label of each type, as a gateway would describe them. */
export const labelTypes: LabelDefinitions = new Map(types.map((type) => [type.name, type]))
