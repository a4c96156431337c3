import { deployment } from '../../contracts/deployment.ts'
import { eventSourceDefinition } from '../../contracts/event-source.ts'
import { windowOf } from '../../contracts/feature-window.ts'
import { labelDefinition } from '../../contracts/label-definition.ts'
import { modelDefinition } from '../../contracts/model-definition.ts'
import { versionManifest } from '../../contracts/version-manifest.ts'
import type { Project, ProjectModel, ProjectVersion } from '../../platform/project/project.ts'

const hash = (digit: string) => digit.repeat(64)

export const testModel = modelDefinition.parse({
  name: 'parcel-delay',
  description: 'Whether a parcel comes late.',
  owner: 'tests',
  task: 'binary_classification',
  primary_label: 'came_late',
  entities: { sender: { entity: 'customer' }, depot: { entity: 'depot' } },
  outputs: { probability: { description: 'Of being late.' } },
  score: 'probability',
  decision: { output: 'probability', threshold: 0.5, above: 'late', below: 'on_time' },
  anchors: {
    sent: { description: 'When it is sent.', features: ['weight', 'depot_load'] },
    arrived: { description: 'When it is at the depot.', features: ['weight', 'depot_load'] },
  },
  features: [
    { name: 'weight', source: 'request', min: 0, max: 80 },
    { name: 'depot_load', source: 'online', view: 'depot_parcels', feature: 'load_1h', entity: 'depot' },
  ],
  latency_budget_ms: 10_000,
  governance: { subject: 'sender', purposes: ['planning'], retention_days: 30 },
})

function testVersion(version: string): ProjectVersion {
  const manifest = versionManifest.parse({
    manifest_version: 1,
    model: 'parcel-delay',
    version,
    description: `Version ${version}.`,
    created_at: '2001-01-01T00:00:00Z',
    model_sha256: hash('a'),
    feature_set_sha256: hash('b'),
    onnx: { ir_version: 8, opsets: {}, producer: 'tests' },
    inputs: [{ name: 'x', type: 'float32', shape: [-1, 2], features: ['weight', 'depot_load'] }],
    outputs: [{ name: 'probability', tensor: 'probability', type: 'float64' }],
    lineage: {
      training_data: 'none',
      training_rows: 0,
      anchor_from: '2001-01-01T00:00:00Z',
      anchor_to: '2001-01-02T00:00:00Z',
      trained_with: 'tests',
    },
    golden: [{ features: { weight: 30, depot_load: 30 }, outputs: { probability: 0.6 } }],
  })
  return { model: 'parcel-delay', version, manifest, manifestSha256: hash('c'), modelSha256: hash('a'), modelFile: '/nowhere/model.onnx' }
}

const testProjectModel: ProjectModel = {
  definition: testModel,
  categories: undefined,
  definitionSha256: hash('d'),
  featureHashes: new Map(testModel.features.map(({ name }) => [name, hash('e')])),
  featureWindows: new Map([['depot_load', windowOf({}, { window_seconds: 3600 })!]]),
  features: new Map(testModel.features.map((feature) => [feature.name, feature])),
  deployment: deployment.parse({ revision: 3, champion: '1', shadows: ['2'] }),
  versions: new Map(['1', '2', '3'].map((version) => [version, testVersion(version)])),
  refused: new Map([['4', { severity: 'error', file: 'parcel-delay/4/model.onnx', message: 'refers to external data' }]]),
}

const labels = [
  { name: 'came_late', type: 'binary', silence: 'negative' },
  { name: 'days_late', type: 'number', unit: 'days', min: 0, max: 60, silence: 'unknown' },
  { name: 'days_early', type: 'number', silence: 'unknown', match: { kind: 'window', window_seconds: 3600 } },
  {
    name: 'reason',
    type: 'category',
    categories: ['weather', 'strike', 7],
    silence: 'unknown',
    match: { kind: 'window', window_seconds: 3600 },
  },
].map((label) => labelDefinition.parse({ description: 'A label.', owner: 'tests', maturity_seconds: 3600, ...label }))

const scans = eventSourceDefinition.parse({
  name: 'scans',
  description: 'Scans at a depot.',
  owner: 'tests',
  keys: { depot: { entity: 'depot' } },
  values: { delay: { min: -120, max: 600 }, lane: { type: 'text', required: false } },
})

/** A small project of one model with three versions, for tests. */
export const testProject: Pick<Project, 'models' | 'labels' | 'sources'> = {
  models: new Map([['parcel-delay', testProjectModel]]),
  labels: new Map(labels.map((label) => [label.name, label])),
  sources: new Map([['scans', scans]]),
}
