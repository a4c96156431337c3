import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { sha256Hex } from '../../contracts/canonical-json.ts'
import { modelDefinition } from '../../contracts/model-definition.ts'
import { featureSetSha256, hashFeatures } from '../../platform/project/definition-hashes.ts'

const onnxFile = fileURLToPath(new URL('../../gateway/fixtures/echo.onnx', import.meta.url))

const prose = { description: 'For tests.', owner: 'tests' }
const tensors = [
  { feature: 'text', type: 'string', valueType: 'text', golden: 'a' },
  { feature: 'whole', type: 'int64', valueType: 'number', golden: 1 },
  { feature: 'small', type: 'int32', valueType: 'number', golden: 2 },
  { feature: 'precise', type: 'float64', valueType: 'number', golden: 0.5 },
  { feature: 'flag', type: 'bool', valueType: 'boolean', golden: true },
] as const

const model = {
  name: 'echo',
  ...prose,
  task: 'regression',
  primary_label: 'measured',
  entities: {},
  outputs: Object.fromEntries(
    tensors.map(({ feature, valueType }) => [
      `${feature}_again`,
      { description: 'What was sent.', type: valueType === 'text' ? 'text' : 'number' },
    ]),
  ),
  score: 'precise_again',
  features: tensors.map(({ feature, valueType }) => ({ name: feature, source: 'request', type: valueType, on_missing: 'missing' })),
  latency_budget_ms: 10_000,
}
const label = { name: 'measured', ...prose, type: 'number', min: -1000, max: 1000, maturity_seconds: 3600, silence: 'unknown' }

/** One model more for a project: its tensors have every type that a version's may have, and come back as they were sent. */
export async function writeEchoModel(dir: string): Promise<void> {
  await mkdir(join(dir, 'echo/1'), { recursive: true })
  await writeFile(join(dir, 'labels/measured.yaml'), stringify(label))
  await writeFile(join(dir, 'echo/model.yaml'), stringify(model))
  await writeFile(join(dir, 'echo/deployment.yaml'), stringify({ revision: 1, champion: '1' }))
  await writeFile(join(dir, 'echo/1/manifest.yaml'), stringify(await manifest()))
  await copyFile(onnxFile, join(dir, 'echo/1/model.onnx'))
}

async function manifest(): Promise<object> {
  const { features } = modelDefinition.parse(model)
  const hashes = hashFeatures(new Map(features.map((feature) => [feature.name, feature])), {
    sources: new Map(),
    views: new Map(),
    lookups: new Map(),
  })
  return {
    manifest_version: 1,
    model: 'echo',
    version: '1',
    description: 'Gives back what it was sent.',
    created_at: '2001-01-01T00:00:00Z',
    model_sha256: sha256Hex(await readFile(onnxFile)),
    feature_set_sha256: featureSetSha256(
      hashes,
      tensors.map(({ feature }) => feature),
    ),
    onnx: { ir_version: 8, opsets: { 'ai.onnx': 17 }, producer: 'hindsight-tests' },
    inputs: tensors.map(({ feature, type }) => ({ name: feature, type, shape: [-1], features: [feature] })),
    outputs: tensors.map(({ feature, type }) => ({ name: `${feature}_again`, tensor: `${feature}_out`, type })),
    lineage: {
      training_data: 'none',
      training_rows: 0,
      anchor_from: '2001-01-01T00:00:00Z',
      anchor_to: '2001-01-02T00:00:00Z',
      trained_with: 'nothing',
    },
    golden: [
      {
        features: Object.fromEntries(tensors.map(({ feature, golden }) => [feature, golden])),
        outputs: Object.fromEntries(tensors.map(({ feature, golden }) => [`${feature}_again`, golden])),
      },
    ],
  }
}
