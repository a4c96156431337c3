import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { modelDefinition } from '../../contracts/model-definition.ts'
import { featureSetSha256, hashFeatures } from '../../platform/project/definition-hashes.ts'

const onnx = fileURLToPath(new URL('../../gateway/testing/fixtures/slow.onnx', import.meta.url))

const definition = {
  name: 'slow',
  description: 'Adds a number to itself as often as it is told to: a model that takes as long as a test wants.',
  owner: 'loadtest',
  task: 'binary_classification',
  entities: {},
  outputs: { result: { description: 'One.' } },
  score: 'result',
  features: [{ name: 'turns', source: 'request', type: 'number', min: 1, max: 1e9 }],
  latency_budget_ms: 10_000,
  inference: { max_batch_rows: 1 },
}

/** Adds the model `slow` to a project whose other models have this label. */
export function addSlowModel(projectDir: string, { label = 'arrived_late' } = {}): void {
  const dir = join(projectDir, 'slow')
  mkdirSync(join(dir, '1'), { recursive: true })
  copyFileSync(onnx, join(dir, '1/model.onnx'))
  writeFileSync(join(dir, 'model.yaml'), stringify({ ...definition, primary_label: label }))
  writeFileSync(join(dir, 'deployment.yaml'), stringify({ revision: 1, champion: '1' }))
  writeFileSync(join(dir, '1/manifest.yaml'), stringify(manifest()))
}

function manifest(): object {
  const features = new Map(
    modelDefinition.parse({ ...definition, primary_label: 'any' }).features.map((feature) => [feature.name, feature]),
  )
  const hashes = hashFeatures(features, { sources: new Map(), views: new Map(), lookups: new Map() })
  return {
    manifest_version: 1,
    model: 'slow',
    version: '1',
    description: 'A loop.',
    created_at: '2001-01-01T00:00:00Z',
    model_file: 'model.onnx',
    model_sha256: sha256Hex(readFileSync(onnx)),
    feature_set_sha256: featureSetSha256(hashes, ['turns']),
    onnx: { ir_version: 8, opsets: { 'ai.onnx': 17 }, producer: 'hindsight' },
    inputs: [{ name: 'turns', type: 'int64', shape: [-1], features: ['turns'] }],
    outputs: [{ name: 'result', tensor: 'result', type: 'float64', column: 0 }],
    lineage: {
      training_data: 'none',
      training_rows: 0,
      anchor_from: '2001-01-01T00:00:00Z',
      anchor_to: '2001-01-02T00:00:00Z',
      trained_with: 'nothing',
      parameters: {},
    },
    metrics: {},
    golden: [{ features: { turns: 1 }, outputs: { result: 1 } }],
  }
}
