import { labelDefinition } from '../../contracts/label-definition.ts'
import { modelDefinition } from '../../contracts/model-definition.ts'
import type { Project, ProjectModel } from '../../platform/project/project.ts'

type LabelInput = Omit<Parameters<typeof labelDefinition.parse>[0] & object, never>

/** A project in memory, with what the labeler reads of one: labels, and models without versions. */
export function testProject(input: { labels: readonly LabelInput[]; models: readonly ModelInput[] }): Project {
  const labels = input.labels.map((label) => labelDefinition.parse({ description: 'For a test.', owner: 'tests', ...label }))
  const models = input.models.map(testModel)
  return {
    dir: '/nowhere',
    labels: new Map(labels.map((label) => [label.name, label])),
    models: new Map(models.map((model) => [model.definition.name, model])),
    sources: new Map(),
    views: new Map(),
    lookups: new Map(),
    problems: [],
  }
}

export type ModelInput = {
  name: string
  primary_label: string
  task?: string
  score?: string | object
  decision?: object
  entities?: object
  evaluation?: object
  outputs?: object
}

function testModel(input: ModelInput): ProjectModel {
  const definition = modelDefinition.parse({
    description: 'For a test.',
    owner: 'tests',
    task: 'binary_classification',
    entities: {},
    score: 'probability',
    outputs: { probability: { description: 'Probability of 1.' } },
    features: [{ name: 'distance', source: 'request' }],
    ...input,
  })
  return {
    definition,
    categories: undefined,
    definitionSha256: '0'.repeat(64),
    featureHashes: new Map(),
    features: new Map(),
    featureWindows: new Map(),
    versions: new Map(),
    refused: new Map(),
    deployment: { revision: 1, champion: '1', challengers: [], shadows: [], loaded: 'all', author: 'tests', reason: '' },
  }
}
